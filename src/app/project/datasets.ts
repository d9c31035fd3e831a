import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { Problem } from '#base/problem'
import { exclusively } from '#data'
import type { ParamMap } from '#stages'
import type { Table } from '#tables'
import { datasetsIn, declared, tableVersion, versionOf, withDataset } from '#protocols/dvc/datasets'
import { writeWhole } from '#stores/dvc/atomic'
import { openProjectLock } from '#stores/dvc/lock'
import { lockPath } from './walk.ts'

/** A dataset of a `dvc.yaml`, and the version that its lock has. */
export interface Dataset {
  readonly name: string
  readonly file: string
  /** As `dvc.yaml` has it, relative to its folder. */
  readonly url: string
  readonly type: string
  readonly version: string | null
}

/** The version of a dataset; undefined where the lock has none, or one of another address than is declared. */
export function datasetAt(
  root: string,
  files: readonly string[],
  name: string,
): ParamMap | undefined {
  for (const file of files) {
    const spec = datasetsIn(textAt(root, file)).find((each) => each.get('name') === name)
    if (spec === undefined) continue
    const entry = datasetsIn(textAt(root, lockPath(file))).find((each) => each.get('name') === name)
    const isInStep = [...spec].every(([key, value]) => entry?.get(key) === value)
    return entry !== undefined && isInStep ? versionOf(entry) : undefined
  }
  return undefined
}

export function datasetsAt(root: string, file: string): Dataset[] {
  const locked = new Map(
    datasetsIn(textAt(root, lockPath(file))).map((entry) => [entry.get('name'), entry]),
  )
  return datasetsIn(textAt(root, file)).map((spec) => {
    const meta = locked.get(spec.get('name') ?? null)?.get('meta')
    const version = meta instanceof Map ? (meta as ParamMap).get('version_id') : undefined
    return {
      name: textOf(spec, 'name'),
      file,
      url: textOf(spec, 'url'),
      type: textOf(spec, 'type'),
      version: typeof version === 'string' ? version : null,
    }
  })
}

/** Does work while no other dvc or orrery writes the files of the project. */
export function whileAlone<T>(root: string, work: () => Promise<T>): Promise<T> {
  const temporary = join(root, '.dvc', 'tmp')
  const lock = (file: string, holder: string) =>
    openProjectLock(join(temporary, file), { waitSeconds: 3600, holder })
  return exclusively(
    [lock(join('orrery', 'lock'), 'another orrery'), lock('lock', 'another dvc or orrery')],
    work,
  )
}

/** Declares a dataset, or moves it to another version: first the lock, so that what is declared always has a version. */
export function saveDataset(
  root: string,
  at: { file: string; name: string; path: string },
  table: Table,
): void {
  const { version, digest } = table
  if (version === undefined || digest === undefined)
    throw new Problem(
      'invalid',
      `${at.path} keeps no versions of its own, so it is no dataset; track it with \`orrery add ${at.path}\``,
    )
  const url = relative(join(root, dirname(at.file)), join(root, at.path))
  const entry = tableVersion({
    name: at.name,
    url,
    version,
    digest: digest.slice(0, 32),
    sizeBytes: table.sizeBytes,
    files: table.files.length,
  })
  save(root, lockPath(at.file), withDataset(textAt(root, lockPath(at.file)), entry, 'lock'))
  const spec = declared(at.name, url)
  const before = textAt(root, at.file)
  const known = datasetsIn(before).find((each) => each.get('name') === at.name)
  // An entry that says the same stays as it is written.
  if (known !== undefined && [...spec].every(([key, value]) => known.get(key) === value)) return
  save(root, at.file, withDataset(before, spec, 'pipeline'))
}

function save(root: string, file: string, text: string): void {
  if (textAt(root, file) !== text) writeWhole(join(root, file), text)
}

function textAt(root: string, file: string): string {
  const whole = join(root, file)
  return existsSync(whole) ? readFileSync(whole, 'utf8') : ''
}

function textOf(entry: ParamMap, key: string): string {
  const value = entry.get(key)
  return typeof value === 'string' ? value : ''
}
