import { sameContent } from '#data'
import {
  isList,
  isMap,
  type LockedPath,
  type ParamKey,
  type ParamMap,
  type ParamValue,
  type StageLock,
} from '#stages'
import {
  anything,
  either,
  FILE,
  faults,
  listOf,
  mapOf,
  metaOf,
  shape,
  text,
  textAt,
  type Check,
} from './entries.ts'
import { compareCodePoints } from './python.ts'
import { keptOf, listedPath } from './versions.ts'
import { withStageInText, type IsLater } from './lock-text.ts'
import { setInYaml } from './yaml-edit.ts'
import { readYaml } from './yaml-read.ts'
import { printYaml } from './yaml-write.ts'

/** Reads `dvc.lock`: what each stage read and wrote, by the stage's name. */
export function readLockFile(source: string): {
  stages: Map<string, StageLock>
  problems: string[]
} {
  const { value, problems } = readYaml(source)
  const found = faults()
  for (const { message, line } of problems)
    found.add(line === undefined ? '' : `line ${line}`, message)
  if (value !== null) LOCK(value, '', found)
  const stages = isMap(value) ? value.get('stages') : undefined
  const locks = new Map<string, StageLock>()
  if (isMap(stages))
    for (const [name, entry] of stages) if (isMap(entry)) locks.set(String(name), lockOf(entry))
  return { stages: locks, problems: found.list }
}

/**
 * The lock's text with one stage's entry; those of others stay as they are, to the byte. A new one comes before later
 * ones that end the file.
 */
export function withStage(
  source: string,
  name: string,
  lock: StageLock,
  isLater?: IsLater,
): string {
  const inText = { name, entry: entryOf(lock), ...(isLater === undefined ? {} : { isLater }) }
  return withStageInText(source, inText) ?? withStageInTree(source, name, lock)
}

function withStageInTree(source: string, name: string, lock: StageLock): string {
  if (source.trim() === '')
    return printYaml(
      new Map<ParamKey, ParamValue>([
        ['schema', '2.0'],
        ['stages', new Map([[name, entryOf(lock)]])],
      ]),
    )
  const { value } = readYaml(source)
  const top: ParamMap = isMap(value) ? value : new Map()
  const stages = top.get('stages')
  const entry = withVersionsOf(isMap(stages) ? stages.get(name) : undefined, entryOf(lock))
  const edited = isMap(stages)
    ? setInYaml(source, ['stages', name], entry)
    : setInYaml(source, ['stages'], new Map([[name, entry]]))
  if (edited !== undefined) return edited
  const all = new Map([...(isMap(stages) ? stages : []), [name, entry] as const])
  return printYaml(new Map([...top, ['stages', all]]))
}

/** What a bucket keeps in versions is named with them as long as it is the same. */
function withVersionsOf(before: ParamValue | undefined, entry: ParamMap): ParamMap {
  if (!isMap(before)) return entry
  const after = new Map(entry)
  for (const key of ['deps', 'outs']) {
    const [old, now] = [before.get(key), entry.get(key)]
    if (!isList(old) || !isList(now)) continue
    const versioned = old.filter(isMap).filter((each) => each.has('files') || each.has('cloud'))
    const same = (each: ParamMap) =>
      versioned.find(
        (other) =>
          textAt(other, 'path') === textAt(each, 'path') &&
          sameContent(keptOf(other).content, keptOf(each).content),
      )
    after.set(
      key,
      now.map((each) => (isMap(each) ? (same(each) ?? each) : each)),
    )
  }
  return after
}

/** An entry as it stands in `dvc.lock` and in the run cache. */
export function entryOf(lock: StageLock): ParamMap {
  const entry = new Map<ParamKey, ParamValue>([['cmd', lock.cmd]])
  if (lock.deps.length > 0) entry.set('deps', pathsOf(lock.deps))
  if (lock.params.size > 0) entry.set('params', paramsOf(lock.params))
  if (lock.outs.length > 0) entry.set('outs', pathsOf(lock.outs))
  return entry
}

export function lockOf(entry: ParamMap): StageLock {
  const cmd = entry.get('cmd')
  const params = entry.get('params')
  return {
    cmd: isList(cmd) ? cmd.map(String) : textAt(entry, 'cmd'),
    deps: lockedPaths(entry.get('deps')),
    params: new Map(
      isMap(params)
        ? [...params].map(([file, values]) => [String(file), isMap(values) ? values : new Map()])
        : [],
    ),
    outs: lockedPaths(entry.get('outs')),
  }
}

/** Whether an entry of the run cache has the shape that DVC asks of it. */
export function isEntry(value: ParamValue): value is ParamMap {
  const found = faults()
  ENTRY(value, '', found)
  return found.list.length === 0
}

function pathsOf(paths: readonly LockedPath[]): ParamMap[] {
  return paths
    .toSorted((one, other) => compareCodePoints(one.path, other.path))
    .map(({ path, content, dataset }) => {
      const entry = new Map<ParamKey, ParamValue>([['path', path]])
      if (dataset !== undefined) return entry.set('dataset', dataset)
      if (content === undefined) return entry
      if (content.legacy !== true) entry.set('hash', 'md5')
      entry.set('md5', content.md5)
      for (const [key, value] of metaOf(content)) entry.set(key, value)
      return entry
    })
}

/** The default file first, the others by name; of each the names in order. */
function paramsOf(params: ReadonlyMap<string, ParamMap>): ParamMap {
  const files = [...params].toSorted(([one], [other]) => compareCodePoints(one, other))
  const ordered = [
    ...files.filter(([file]) => file === 'params.yaml'),
    ...files.filter(([file]) => file !== 'params.yaml'),
  ]
  return new Map(
    ordered.map(([file, values]) => [
      file,
      new Map(
        [...values].toSorted(([one], [other]) => compareCodePoints(String(one), String(other))),
      ),
    ]),
  )
}

function lockedPaths(value: ParamValue | undefined): LockedPath[] {
  if (!isList(value)) return []
  return value.filter(isMap).map(lockedPath)
}

function lockedPath(entry: ParamMap): LockedPath {
  const dataset = entry.get('dataset')
  return {
    path: textAt(entry, 'path'),
    ...keptOf(entry),
    ...(isMap(dataset) ? { dataset } : {}),
  }
}

const LOCKED = { ...FILE, cloud: mapOf(mapOf(anything)) }
const PATH = shape(
  {
    ...LOCKED,
    path: text,
    hash: text,
    files: listOf(shape({ ...LOCKED, relpath: listedPath })),
    dataset: mapOf(anything),
  },
  ['path'],
)
const ENTRY = shape(
  {
    cmd: either(text, listOf(anything)),
    deps: listOf(PATH),
    params: mapOf(mapOf(anything)),
    outs: listOf(PATH),
  },
  ['cmd'],
)
const schema: Check = (value, where, found) => {
  if (value !== '2.0') found.add(where, 'must be 2.0')
}
const LOCK = shape({ schema, datasets: anything, stages: mapOf(ENTRY) }, ['schema'])
