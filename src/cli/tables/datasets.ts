import { join } from 'node:path'
import { Problem } from '#base/problem'
import { datasetsAt, saveDataset, whileAlone, type Dataset } from '#app/project/datasets'
import { tableLines } from '../table.ts'
import { calledIn, say, type CalledIn } from '../workspace.ts'
import { assertHere, versionFrom } from './open.ts'

export interface DatasetFlags {
  readonly name?: string | undefined
  readonly delta?: string | undefined
  readonly tableVersion?: number | undefined
  readonly asOf?: string | undefined
  readonly force?: boolean
  readonly json?: boolean
}

export function listDatasets(flags: DatasetFlags): void {
  const here = calledIn()
  const found = datasetsAt(here.root, fileOf(here))
  const rows = found.map(({ name, url, type, version }) => [name, version ?? '-', type, url])
  say(
    flags,
    found,
    found.length === 0
      ? ['No dataset is declared; `orrery dataset add NAME --delta FOLDER` declares one.']
      : tableLines(['name', 'version', 'type', 'url'], rows),
  )
}

export async function addDataset(flags: DatasetFlags): Promise<void> {
  const here = calledIn()
  const { delta, name } = flags
  if (name === undefined || delta === undefined)
    throw new Problem(
      'invalid',
      'name the dataset and its table: orrery dataset add NAME --delta FOLDER',
    )
  if (!/^[A-Za-z][\w-]*$/.test(name))
    throw new Problem(
      'invalid',
      `${name} is no name for a dataset; use letters, digits, - and _, and begin with a letter`,
    )
  assertHere(delta)
  const known = datasetsAt(here.root, fileOf(here)).find((each) => each.name === name)
  if (known !== undefined && flags.force !== true)
    throw new Problem(
      'conflict',
      `${fileOf(here)} has a dataset ${name} already; give -f to put this one in its place, or run \`orrery dataset update ${name}\``,
    )
  await take(here, { name, path: here.target(delta), before: known ?? null }, flags)
}

export async function updateDataset(flags: DatasetFlags): Promise<void> {
  const here = calledIn()
  const all = datasetsAt(here.root, fileOf(here))
  const known = all.find((each) => each.name === flags.name)
  if (known === undefined)
    throw new Problem(
      'not-found',
      `${fileOf(here)} has no dataset ${flags.name ?? 'without a name'}; it has ${all.map((each) => each.name).join(', ') || 'none'}`,
    )
  if (known.type !== 'url' || /^[a-z][a-z0-9+.-]*:\/\//i.test(known.url))
    throw new Problem(
      'unsupported',
      `${known.name} is at ${known.url} and no Delta table of this machine; \`dvc dataset update ${known.name}\` may know it`,
    )
  await take(here, { name: known.name, path: join(here.folder, known.url), before: known }, flags)
}

async function take(
  here: CalledIn,
  at: { name: string; path: string; before: Dataset | null },
  flags: DatasetFlags,
): Promise<void> {
  const tables = await here.tables()
  try {
    const table = await tables.at(at.path, versionFrom(flags))
    await whileAlone(here.root, async () =>
      saveDataset(here.root, { file: fileOf(here), name: at.name, path: at.path }, table),
    )
    const before = at.before?.version ?? null
    const version = String(table.version)
    say(flags, { name: at.name, path: at.path, version, before }, [
      before === version
        ? `${at.name} stays at version ${version}.`
        : `${at.name} is at version ${version}${before === null ? '' : `, it was at ${before}`}; stages that read ds://${at.name} run again.`,
    ])
  } finally {
    await tables.close()
  }
}

/** The `dvc.yaml` of the folder that the command was called in. */
function fileOf(here: CalledIn): string {
  return here.folder === '' ? 'dvc.yaml' : `${here.folder}/dvc.yaml`
}
