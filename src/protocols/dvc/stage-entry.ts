import { isMap, sameParam, type ParamKey, type ParamMap, type ParamValue } from '#stages'
import { compareCodePoints } from './python.ts'
import { setInYaml } from './yaml-edit.ts'
import { readYaml } from './yaml-read.ts'
import { printYaml } from './yaml-write.ts'

/** A stage as somebody asks for it on the command line. */
export interface StageEntry {
  readonly cmd: string
  readonly wdir?: string | undefined
  readonly desc?: string | undefined
  readonly deps: readonly string[]
  /** `name,name`, `file:name,name`, or `file:` for all of a file. */
  readonly params: readonly string[]
  readonly outs: readonly OutEntry[]
  readonly metrics: readonly OutEntry[]
  readonly plots: readonly OutEntry[]
  readonly alwaysChanged: boolean
}

export interface OutEntry {
  readonly path: string
  readonly cache: boolean
  readonly persist: boolean
}

/** The entry of `dvc.yaml`, with its lists in the order that dvc writes. */
export function stageBody(entry: StageEntry): ParamMap {
  const fields: [string, ParamValue | undefined][] = [
    ['desc', entry.desc],
    ['cmd', entry.cmd],
    ['wdir', entry.wdir === undefined || entry.wdir === '.' ? undefined : entry.wdir],
    ['deps', [...new Set(entry.deps)].toSorted(compareCodePoints)],
    ['params', paramsBody(entry.params)],
    ['outs', listed(entry.outs)],
    ['metrics', listed(entry.metrics)],
    ['plots', listed(entry.plots)],
    ['always_changed', entry.alwaysChanged ? true : undefined],
  ]
  return new Map(
    fields.flatMap(([field, value]): [ParamKey, ParamValue][] =>
      value === undefined || (Array.isArray(value) && value.length === 0) ? [] : [[field, value]],
    ),
  )
}

function listed(outs: readonly OutEntry[]): ParamValue[] {
  return outs.toSorted((one, other) => compareCodePoints(one.path, other.path)).map(outBody)
}

function sorted(names: Iterable<string>): string[] {
  return [...names].toSorted(compareCodePoints)
}

/** The text of `dvc.yaml` with that stage; what else it says stays, with its comments. */
export function withStageEntry(source: string, name: string, body: ParamMap): string {
  const { value } = readYaml(source)
  const stages = isMap(value) ? value.get('stages') : undefined
  const before = isMap(stages) ? stages.get(name) : undefined
  const whole = new Map([['stages', new Map([[name, body]])]])
  if (!isMap(stages) || stages.size === 0) {
    const set = setInYaml(source, ['stages'], new Map([[name, body]]))
    if (set !== undefined) return set
    // Nothing but comments, or a list of stages that is empty in a style of its own.
    return isMap(value)
      ? printYaml(new Map([...value, ['stages', new Map([[name, body]])]]))
      : `${source}${source === '' || source.endsWith('\n') ? '' : '\n'}${printYaml(whole)}`
  }
  const inPlace = isMap(before) ? mended(source, name, { before, body }) : undefined
  return (
    inPlace ??
    setInYaml(source, ['stages', name], body) ??
    printYaml(
      new Map([...(isMap(value) ? value : []), ['stages', new Map([...stages, [name, body]])]]),
    )
  )
}

/** The text with one field of a stage set, or taken away. */
export function withStageField(
  source: string,
  at: { readonly name: string; readonly field: string },
  value: ParamValue | undefined,
): string | undefined {
  return setInYaml(source, ['stages', at.name, at.field], value)
}

/** Field by field, so that comments stay. */
function mended(
  source: string,
  name: string,
  { before, body }: { before: ParamMap; body: ParamMap },
): string | undefined {
  let text: string | undefined = source
  for (const [field, value] of body)
    if (text !== undefined && !sameParam(before.get(field), value))
      text = setInYaml(text, ['stages', name, field], value)
  for (const field of before.keys())
    if (text !== undefined && !body.has(field))
      text = setInYaml(text, ['stages', name, field], undefined)
  return text
}

function outBody({ path, cache, persist }: OutEntry): ParamValue {
  const props: [ParamKey, ParamValue][] = [
    ...(cache ? [] : [['cache', false] as [ParamKey, ParamValue]]),
    ...(persist ? [['persist', true] as [ParamKey, ParamValue]] : []),
  ]
  return props.length === 0 ? path : new Map([[path, new Map(props)]])
}

function paramsBody(params: readonly string[]): ParamValue[] {
  const files = new Map<string, Set<string>>()
  for (const written of params) {
    const colon = written.lastIndexOf(':')
    const file = colon < 0 ? DEFAULT_FILE : written.slice(0, colon)
    const names = files.get(file) ?? new Set()
    for (const name of written.slice(colon + 1).split(','))
      if (name.trim() !== '') names.add(name.trim())
    files.set(file, names)
  }
  const body: ParamValue[] = sorted(files.get(DEFAULT_FILE) ?? [])
  for (const file of sorted(files.keys())) {
    const names = sorted(files.get(file) ?? [])
    if (file !== DEFAULT_FILE) body.push(new Map([[file, names.length === 0 ? null : names]]))
    else if (names.length === 0) body.push(new Map([[file, null]]))
  }
  return body
}

const DEFAULT_FILE = 'params.yaml'
