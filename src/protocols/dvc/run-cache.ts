import { sha256 } from '#base/digest'
import { isList, isMap, type ParamMap, type ParamValue, type StageLock } from '#stages'
import { entryOf, isEntry, lockOf } from './lock-file.ts'
import { pythonJson } from './python.ts'
import { readYaml } from './yaml-read.ts'
import { printYaml } from './yaml-write.ts'

/** The run cache's name for everything that goes into a run: command, deps, params and which outs. */
export function runKey(lock: StageLock): string {
  const entry = new Map(entryOf(lock))
  const outs = entry.get('outs')
  const paths = isList(outs)
    ? outs.map((out) => (isMap(out) ? (out.get('path') ?? null) : null))
    : []
  return sha256(pythonJson(bareEntry(entry.set('outs', paths))))
}

/** The run cache's name for a run with what came out of it. */
export function runValue(lock: StageLock): string {
  return sha256(pythonJson(bareEntry(entryOf(lock))))
}

export function printRun(lock: StageLock): string {
  return printYaml(entryOf(lock))
}

/** Undefined for a text that is no entry. */
export function readRun(source: string): StageLock | undefined {
  const { value, problems } = readYaml(source)
  return problems.length === 0 && isEntry(value) ? lockOf(value) : undefined
}

/** Without sizes and counts, which are no part of what a run is. */
export function bareEntry(value: ParamValue): ParamValue {
  if (isList(value)) return value.map(bareEntry)
  if (!isMap(value)) return value
  const kept: ParamMap = new Map(
    [...value]
      .filter(([key]) => key !== 'size' && key !== 'nfiles')
      .map(([key, each]) => [key, bareEntry(each)]),
  )
  return kept
}
