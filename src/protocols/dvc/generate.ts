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
  const over = filled(body.get('foreach') ?? null, context)
  if (!isMap(template)) throw new TemplateFault(`'${name}' has foreach but no do`)
  if (!isMap(over) && !isList(over))
    throw new TemplateFault(`foreach of '${name}' must be a list or a map`)
  return [...looped(over)].map(([key, item]) => ({
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
function looped(over: ParamMap | readonly ParamValue[]): Map<string, ParamValue> {
  if (isMap(over)) return new Map([...over].map(([key, item]) => [keyText(key), item]))
  const composite = over.some((item) => isList(item) || isMap(item))
  return new Map(over.map((item, index) => [composite ? String(index) : keyText(item), item]))
}

function ofMatrix(name: string, body: ParamMap, context: Context): Definition[] {
  const { matrix, template } = splitMatrix(body)
  const axes = filled(matrix, context)
  if (!isMap(axes)) throw new TemplateFault(`matrix of '${name}' must be a map of lists`)
  let combinations: { key: string[]; item: Map<string, ParamValue> }[] = [
    { key: [], item: new Map() },
  ]
  for (const [axis, values] of axes) {
    if (!isList(values))
      throw new TemplateFault(`matrix of '${name}': ${String(axis)} must be a list`)
    combinations = combinations.flatMap(({ key, item }) =>
      values.map((value, index) => ({
        key: [...key, isList(value) || isMap(value) ? `${String(axis)}${index}` : keyText(value)],
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

function splitMatrix(body: ParamMap): { matrix: ParamValue; template: ParamMap } {
  return {
    matrix: body.get('matrix') ?? null,
    template: new Map([...body].filter(([key]) => key !== 'matrix')),
  }
}

function keyText(value: ParamValue): string {
  return pythonText(value)
}
