import { nameOf, type OutStatus } from '#data'
import type { Reason, StageStatus } from '#stages'

type Changes = Record<string, string | Record<string, string>>
export type DvcStatus = Record<string, (string | Record<string, Changes>)[]>

/** What differs, in the shape of `dvc status --json`; empty when nothing does. */
export function statusJson(data: readonly OutStatus[], stages: readonly StageStatus[]): DvcStatus {
  const status: DvcStatus = {}
  for (const { path, owner, change } of data) {
    const entry = (status[nameOf(owner)] ??= [{ 'changed outs': {} }])
    const [changes] = entry
    if (typeof changes === 'object')
      Object.assign(changes['changed outs'] ?? {}, { [path]: change })
  }
  for (const { stage, reasons } of stages) {
    const entry = entryOf(reasons)
    if (entry.length > 0) status[stage.address] = entry
  }
  return status
}

function entryOf(reasons: readonly Reason[]): DvcStatus[string] {
  const deps: Changes = {}
  const outs: Changes = {}
  const words: string[] = []
  for (const reason of reasons) {
    if (reason.kind === 'dep' || reason.kind === 'params-file') deps[reason.path] = reason.change
    else if (reason.kind === 'param')
      deps[reason.path] = {
        ...(deps[reason.path] as object | undefined),
        [reason.name]: reason.change,
      }
    else if (reason.kind === 'out') outs[reason.path] = reason.change
    else if (reason.kind === 'always') words.push('always changed')
    else if (reason.kind === 'command') words.push('changed command')
  }
  return [
    ...(Object.keys(deps).length > 0 ? [{ 'changed deps': deps }] : []),
    ...(Object.keys(outs).length > 0 ? [{ 'changed outs': outs }] : []),
    ...words.toSorted(),
  ]
}
