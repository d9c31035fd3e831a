import { isList, isMap, isTimestamp, type ParamKey, type ParamMap, type ParamValue } from '#stages'
import { pythonText, shellQuoted } from './python.ts'

/** What `${…}` may name: values by top-level key, and the files or `vars` that they came from. */
export interface Context {
  readonly values: ReadonlyMap<ParamKey, ParamValue>
  /** Where a key came from, for the message when it is given twice. */
  readonly sources: ReadonlyMap<string, string>
  /** Files that were read, with the keys that were taken; undefined means all. */
  readonly imports: ReadonlyMap<string, readonly string[] | undefined>
}

export const EMPTY_CONTEXT: Context = { values: new Map(), sources: new Map(), imports: new Map() }

/** How dicts become arguments of a command: the section `parsing` of DVC's settings. */
export interface CommandStyle {
  readonly bool: 'store_true' | 'boolean_optional'
  readonly list: 'nargs' | 'append'
}

/** A template that cannot be filled in. Caught where the stage is read; it never leaves the protocol. */
export class TemplateFault extends Error {}

/** The value with its templates filled in. `field` is the stage's key, since `cmd` may take a whole map. */
export function filled(
  value: ParamValue,
  context: Context,
  options: { field?: string; style?: CommandStyle } = {},
): ParamValue {
  if (typeof value === 'string') return filledText(value, context, options)
  if (isList(value)) return value.map((each) => filled(each, context, options))
  if (isMap(value))
    return new Map(
      [...value].map(([key, each]) => [
        typeof key === 'string' ? (filled(key, context, options) as ParamKey) : key,
        filled(each, context, options),
      ]),
    )
  return value
}

export function hasTemplate(value: ParamValue): boolean {
  if (typeof value === 'string') return templatesIn(value).length > 0
  if (isList(value)) return value.some(hasTemplate)
  return isMap(value) && [...value].some(([key, each]) => hasTemplate(key) || hasTemplate(each))
}

/** The context with more values. Throws where a key is given twice, unless both are maps. */
export function extended(
  context: Context,
  addition: { values: ParamMap; source: string },
): Context {
  const sources = new Map(context.sources)
  const merge = (into: ParamMap, from: ParamMap, path: string): ParamMap => {
    const merged = new Map(into)
    for (const [key, value] of from) {
      // Only text can be written between `${` and `}`.
      if (typeof key !== 'string') continue
      const name = path === '' ? key : `${path}.${key}`
      const before = merged.get(key)
      if (isMap(before) && isMap(value)) merged.set(key, merge(before, value, name))
      else if (merged.has(key))
        throw new TemplateFault(
          `cannot redefine '${name}' from '${addition.source}' as it already exists in '${sources.get(key) ?? sources.get(path.split('.')[0] ?? '') ?? 'vars'}'`,
        )
      else merged.set(key, checked(value, `${addition.source}:${name}`))
      if (path === '' && !sources.has(key)) sources.set(key, addition.source)
    }
    return merged
  }
  return { ...context, values: merge(context.values, addition.values, ''), sources }
}

/** The context with values laid over what it has, as `item` and `key` of a loop are. */
export function overlaid(context: Context, values: ReadonlyMap<string, ParamValue>): Context {
  return { ...context, values: new Map([...context.values, ...values]) }
}

const TEMPLATE = /(?<!\\)\$\{(.*?)\}/g

function templatesIn(text: string): { whole: string; expression: string; index: number }[] {
  return [...text.matchAll(TEMPLATE)].map((match) => ({
    whole: match[0],
    expression: match[1] ?? '',
    index: match.index,
  }))
}

function filledText(
  text: string,
  context: Context,
  options: { field?: string; style?: CommandStyle },
): ParamValue {
  const templates = templatesIn(text)
  const [first] = templates
  if (first !== undefined && templates.length === 1 && first.whole === text) {
    const value = valueOf(first.expression, context)
    checkPrimitive(value, options.field)
    return value
  }
  let result = ''
  let index = 0
  for (const { whole, expression, index: at } of templates) {
    const value = valueOf(expression, context)
    checkPrimitive(value, options.field)
    result +=
      text.slice(index, at) + (isMap(value) ? asArguments(value, options.style) : pythonText(value))
    index = at + whole.length
  }
  return (result + text.slice(index)).replaceAll('\\${', '${')
}

function valueOf(expression: string, context: Context): ParamValue {
  if (!/^[^.[\]]+(?:\.[^.[\]]+|\[[^.[\]]+\])*$/.test(expression))
    throw new TemplateFault(
      `'\${${expression}}' is not an expression; write names, dots and [numbers]`,
    )
  let value: ParamValue = context.values
  for (const raw of expression.replaceAll('[', '.').replaceAll(']', '').split('.')) {
    const step = raw.trim()
    const next: ParamValue | undefined = isMap(value)
      ? value.get(step)
      : isList(value) && /^-?\d+$/.test(step)
        ? value.at(Number(step))
        : undefined
    if (next === undefined) throw new TemplateFault(`could not find '${expression}'`)
    value = next
  }
  return value
}

function checkPrimitive(value: ParamValue, field: string | undefined): void {
  if (!isList(value) && !isMap(value)) return
  if (field === undefined || (isMap(value) && field === 'cmd')) return
  throw new TemplateFault(
    `cannot put a ${isMap(value) ? 'map' : 'list'} into '${field}'; name one value of it`,
  )
}

function checked(value: ParamValue, where: string): ParamValue {
  if (isTimestamp(value))
    throw new TemplateFault(`'${where}' is a date, which templates cannot hold; put it in quotes`)
  if (isList(value)) return value.map((each, index) => checked(each, `${where}.${index}`))
  if (isMap(value))
    return new Map([...value].map(([key, each]) => [key, checked(each, `${where}.${String(key)}`)]))
  return value
}

/** A map as the options of a command: `--lr 0.1 --deep.er x --flag`. */
export function asArguments(value: ParamMap, style?: CommandStyle): string {
  const words: string[] = []
  for (const [name, each] of flattened(value, '')) {
    if (each === true) words.push(`--${name}`)
    else if (each === false) {
      if (style?.bool === 'boolean_optional') words.push(`--no-${name}`)
    } else if (isList(each)) words.push(...listArguments(name, each, style))
    else words.push(`--${name} ${word(each)}`)
  }
  return words.join(' ')
}

function listArguments(name: string, items: readonly ParamValue[], style?: CommandStyle): string[] {
  if (items.some((item) => isList(item) || isMap(item)))
    throw new TemplateFault(`cannot write the nested list '${name}' as options of a command`)
  if (style?.list === 'append') return items.map((item) => `--${name} ${word(item)}`)
  return items.length === 0 ? [] : [`--${name} ${items.map(word).join(' ')}`]
}

function word(value: ParamValue): string {
  if (typeof value === 'string') return shellQuoted(value)
  // Inside a list Python writes its own True.
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return pythonText(value)
}

function flattened(value: ParamMap, prefix: string): [string, ParamValue][] {
  return [...value].flatMap(([key, each]) => {
    const name = prefix === '' ? String(key) : `${prefix}.${String(key)}`
    return isMap(each) && each.size > 0
      ? flattened(each, name)
      : [[name, each] as [string, ParamValue]]
  })
}
