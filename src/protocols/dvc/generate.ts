import { isList, isMap, type ParamMap, type ParamValue } from '#stages'
import { pythonText } from './python.ts'
import { filled, overlaid, TemplateFault, type Context } from './template.ts'

/** One stage as `dvc.yaml` means it: `foreach` and `matrix` stand for many. */
export interface Definition {
  readonly name: string
  readonly body: ParamMap
  /** With `item` and `key` of its loop. */
  readonly context: Context
}

/** The stages that an entry under `stages` stands for. Throws a `TemplateFault` where its list cannot be told. */
export function definitionsOf(name: string, body: ParamMap, context: Context): Definition[] {
  if (body.has('matrix')) return ofMatrix(name, body, context)
  if (body.has('foreach')) return ofForeach(name, body, context)
  return [{ name, body, context }]
}

function ofForeach(name: string, body: ParamMap, context: Context): Definition[] {
  const template = body.get('do')
  const raw = body.get('foreach') ?? null
  const over = filled(raw, context)
  if (!isMap(template)) throw new TemplateFault(`'${name}' has foreach but no do`)
  if (!isMap(over) && !isList(over))
    throw new TemplateFault(`foreach of '${name}' must be a list or a map`)
  return [...looped(over, raw)].map(([key, item]) => ({
    name: `${name}@${key}`,
    body: template,
    context: overlaid(
      context,
      new Map<string, ParamValue>([
        ['item', item],
        ...(isMap(over) ? [['key', key] as const] : []),
      ]),
    ),
  }))
}

/** Keys and items of a loop: a list of plain values is keyed by them, any other list by position. */
function looped(over: ParamMap | readonly ParamValue[], raw: ParamValue): Map<string, ParamValue> {
  if (isMap(over)) return new Map([...over].map(([key, item]) => [pythonText(key), item]))
  const composite = over.some((item) => isList(item) || isMap(item))
  return new Map(
    over.map((item, index) => [composite ? String(index) : keyText(item, rawAt(raw, index)), item]),
  )
}

function ofMatrix(name: string, body: ParamMap, context: Context): Definition[] {
  const raw = body.get('matrix') ?? null
  const template = new Map([...body].filter(([key]) => key !== 'matrix'))
  const axes = filled(raw, context)
  if (!isMap(axes)) throw new TemplateFault(`matrix of '${name}' must be a map of lists`)
  let combinations: Combination[] = [{ key: [], item: new Map() }]
  for (const [axis, values] of axes) {
    if (!isList(values))
      throw new TemplateFault(`matrix of '${name}': ${String(axis)} must be a list`)
    const rawAxis = isMap(raw) ? (raw.get(axis) ?? null) : null
    combinations = combinations.flatMap(({ key, item }) =>
      values.map((value, index) => ({
        key: [...key, axisText({ axis: String(axis), index }, value, rawAt(rawAxis, index))],
        item: new Map([...item, [String(axis), value] as const]),
      })),
    )
  }
  // The same combination twice is one stage.
  const byKey = new Map(combinations.map(({ key, item }) => [key.join('-'), item]))
  return [...byKey].map(([key, item]) => ({
    name: `${name}@${key}`,
    body: template,
    context: overlaid(
      context,
      new Map<string, ParamValue>([
        ['key', key],
        ['item', item],
      ]),
    ),
  }))
}

interface Combination {
  readonly key: readonly string[]
  readonly item: ReadonlyMap<string, ParamValue>
}

function axisText(at: { axis: string; index: number }, value: ParamValue, raw: ParamValue): string {
  return isList(value) || isMap(value) ? `${at.axis}${at.index}` : keyText(value, raw)
}

/** How an item was written: itself, or the template that it came out of. */
function rawAt(raw: ParamValue, index: number): ParamValue {
  return isList(raw) ? (raw[index] ?? null) : raw
}

/** An item as part of a stage's name. DVC writes true where it stands in the list, and True where a template gave it. */
function keyText(value: ParamValue, raw: ParamValue): string {
  if (typeof value === 'boolean' && typeof raw === 'string') return value ? 'True' : 'False'
  return pythonText(value)
}
