import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '#base/problem'
import { exclusively, type ProjectLock, type VersionControl } from '#data'
import { graphOf, isMap, type PipelineFiles, type Stage } from '#stages'
import { readParamsFile } from '#protocols/dvc/params-file'
import { readPipelineFile } from '#protocols/dvc/pipeline-file'
import {
  stageBody,
  withStageEntry,
  withStageField,
  type StageEntry,
} from '#protocols/dvc/stage-entry'
import type { CommandStyle } from '#protocols/dvc/template'
import { readYaml } from '#protocols/dvc/yaml-read'
import { writeWhole } from '#stores/dvc/atomic'

export interface StageEditsGround {
  readonly root: string
  readonly files: PipelineFiles
  readonly versionControl: VersionControl
  readonly commandStyle: CommandStyle
  readonly locks: readonly ProjectLock[]
}

/** Changes to the stages that `dvc.yaml` files describe. */
export interface StageEdits {
  /** Writes a stage into a `dvc.yaml`, nothing if it would not be right; gives its address. */
  add(at: { file: string; name: string; force: boolean }, entry: StageEntry): Promise<string>
  /** Sets or takes away that the dependencies of stages are not looked at; gives those that changed. */
  freeze(addresses: readonly string[], frozen: boolean): Promise<string[]>
}

export function openStageEdits(ground: StageEditsGround): StageEdits {
  return {
    add: (at, entry) => exclusively(ground.locks, () => added(ground, at, entry)),
    freeze: (addresses, frozen) =>
      exclusively(ground.locks, () => frozenAll(ground, addresses, frozen)),
  }
}

async function added(
  ground: StageEditsGround,
  { file, name, force }: { file: string; name: string; force: boolean },
  entry: StageEntry,
): Promise<string> {
  // dvc takes letters of all languages and blanks, but no signs that mean something in an address.
  if (name === '' || /[!-,./:-@[-^`{-~]/.test(name))
    throw new Problem(
      'invalid',
      `${JSON.stringify(name)} cannot be the name of a stage; use letters, digits, _ and -`,
    )
  const source = textAt(ground.root, file) ?? ''
  if (!force && isWritten(source, name))
    throw new Problem('conflict', `${file} has a stage ${name}; add --force to write it anew`)
  const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : ''
  const wdir = join(ground.root, folder, entry.wdir ?? '.')
  if (statSync(wdir, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new Problem(
      'not-found',
      `the folder ${entry.wdir ?? folder} does not exist; make it first`,
    )
  const text = withStageEntry(source, name, stageBody(entry))
  const stage = await checked(ground, { file, name, text })
  writeWhole(join(ground.root, file), text)
  const touched = [file]
  for (const out of stage.outs)
    if (out.cached) {
      const ignoring = await ground.versionControl.ignore(out.path)
      if (ignoring !== undefined) touched.push(ignoring)
    }
  await ground.versionControl.stage(touched)
  return stage.address
}

/** The stage as the new text has it. Throws where the file, or the pipeline, would not be right. */
async function checked(
  { root, files, commandStyle }: StageEditsGround,
  { file, name, text }: { file: string; name: string; text: string },
): Promise<Stage> {
  const { stages, problems } = readPipelineFile(file, text, {
    style: commandStyle,
    load: (path) => {
      const found = textAt(root, path)
      return found === undefined ? undefined : readParamsFile(path, found)
    },
  })
  const problem = problems.find(({ stage }) => stage === undefined || stage === name)
  if (problem !== undefined)
    throw new Problem('invalid', `nothing was written to ${file}: ${problem.message}`)
  const stage = stages.find((each) => each.name === name)
  if (stage === undefined) throw new Problem('invalid', `${file} would not have a stage ${name}`)
  const loaded = await files.load()
  graphOf([...loaded.stages.filter((each) => each.file !== file), ...stages], loaded.tracked)
  return stage
}

async function frozenAll(
  { root, files, versionControl }: StageEditsGround,
  addresses: readonly string[],
  frozen: boolean,
): Promise<string[]> {
  const { stages, tracked } = await files.load()
  const changed: string[] = []
  const texts = new Map<string, string>()
  const edit = (file: string, change: (text: string) => string | undefined, address: string) => {
    const before = texts.get(file) ?? textAt(root, file) ?? ''
    const after = change(before)
    if (after === undefined)
      throw new Problem(
        'invalid',
        `${address} is not written in ${file} in a way that can be changed; write frozen: ${frozen} into it`,
      )
    texts.set(file, after)
    if (after !== before) changed.push(address)
  }
  for (const address of addresses) {
    const stage = stages.find((each) => each.address === address)
    if (stage !== undefined) {
      const { file, name } = stage
      edit(
        file,
        (text) => withStageField(text, { name, field: 'frozen' }, frozen ? true : undefined),
        address,
      )
    } else if (tracked.some(({ owner }) => owner.file === address))
      throw new Problem(
        'invalid',
        `${address} tracks data; only stages of dvc.yaml are frozen and unfrozen`,
      )
    else
      throw new Problem(
        'not-found',
        `${address} names no stage; \`orrery stage list --all\` lists them`,
      )
  }
  for (const [file, text] of texts) writeWhole(join(root, file), text)
  await versionControl.stage([...texts.keys()])
  return changed
}

function textAt(root: string, path: string): string | undefined {
  const whole = join(root, path)
  return existsSync(whole) ? readFileSync(whole, 'utf8') : undefined
}

function isWritten(source: string, name: string): boolean {
  const { value } = readYaml(source)
  const stages = isMap(value) ? value.get('stages') : undefined
  return isMap(stages) && stages.has(name)
}
