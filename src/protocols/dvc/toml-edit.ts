import { parseTOML, type AST } from 'toml-eslint-parser'
import { isList, isMap, isTimestamp, type ParamEdit, type ParamValue } from '#stages'
import { pythonFloat } from './python.ts'

/** Changes one value of a TOML text and leaves every other byte; undefined where it does not see how. */
export function setInToml(text: string, { path, value }: ParamEdit): string | undefined {
  const wanted = path.map(String)
  const top = parseTOML(text).body[0]
  const holders = holdersIn(top)
  for (const { at, pairs } of holders) {
    const pair = pairs.find((each) => same([...at, ...keysOf(each.key)], wanted))
    if (pair === undefined) continue
    return value === undefined
      ? withoutLine(text, pair)
      : text.slice(0, pair.value.range[0]) + tomlText(value) + text.slice(pair.value.range[1])
  }
  if (value === undefined) return withoutTable(text, top, wanted)
  return inserted(text, holders, { wanted, value })
}

interface Holder {
  readonly at: readonly string[]
  readonly pairs: readonly AST.TOMLKeyValue[]
  readonly node: AST.TOMLTopLevelTable | AST.TOMLTable | AST.TOMLInlineTable
}

/** The top level, each `[table]` and each inline table, with the key that leads there. */
function holdersIn(top: AST.TOMLTopLevelTable): Holder[] {
  const found: Holder[] = []
  const visit = (node: Holder['node'], at: readonly string[], body: readonly AST.TOMLNode[]) => {
    const pairs = body.filter((each) => each.type === 'TOMLKeyValue')
    found.push({ at, pairs, node })
    for (const { key, value } of pairs)
      if (value.type === 'TOMLInlineTable') visit(value, [...at, ...keysOf(key)], value.body)
  }
  visit(top, [], top.body)
  for (const each of top.body)
    if (each.type === 'TOMLTable' && each.kind === 'standard')
      visit(each, each.resolvedKey.map(String), each.body)
  return found
}

function keysOf(key: AST.TOMLKey): string[] {
  return key.keys.map((each) => (each.type === 'TOMLBare' ? each.name : each.value))
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index])
}

/** A new key goes into the deepest table that is there, after its last entry. */
function inserted(
  text: string,
  holders: readonly Holder[],
  { wanted, value }: { wanted: readonly string[]; value: ParamValue },
): string | undefined {
  const fitting = holders.filter(
    ({ at }) => at.length < wanted.length && same(at, wanted.slice(0, at.length)),
  )
  const holder = fitting.toSorted((one, other) => other.at.length - one.at.length)[0]
  if (holder === undefined) return undefined
  const key = wanted.slice(holder.at.length).map(tomlKey).join('.')
  const entry = `${key} = ${tomlText(value)}`
  const last = holder.pairs.at(-1)
  if (holder.node.type === 'TOMLInlineTable') {
    const close = holder.node.range[1] - 1
    const end = last?.range[1] ?? close
    return `${text.slice(0, end)}${last === undefined ? '' : ', '}${entry}${text.slice(end)}`
  }
  if (last === undefined && holder.node.type === 'TOMLTopLevelTable')
    return text.trim() === '' ? `${entry}\n` : `${entry}\n\n${text}`
  const after = last?.range[1] ?? holder.node.range[1]
  const lineEnd = text.indexOf('\n', after)
  const at = lineEnd < 0 ? text.length : lineEnd
  return `${text.slice(0, at)}\n${entry}${text.slice(at)}${lineEnd < 0 ? '\n' : ''}`
}

function withoutLine(text: string, pair: AST.TOMLKeyValue): string | undefined {
  if (pair.parent.type === 'TOMLInlineTable') return undefined
  const start = text.lastIndexOf('\n', pair.range[0]) + 1
  const lineEnd = text.indexOf('\n', pair.range[1])
  return text.slice(0, start) + (lineEnd < 0 ? '' : text.slice(lineEnd + 1))
}

/** Without the `[table]` of that name and those inside it. */
function withoutTable(
  text: string,
  top: AST.TOMLTopLevelTable,
  wanted: readonly string[],
): string | undefined {
  const tables = top.body.filter((each) => each.type === 'TOMLTable')
  let written = text
  for (const [index, table] of [...tables.entries()].toReversed()) {
    if (!same(wanted, table.resolvedKey.map(String).slice(0, wanted.length))) continue
    const end = tables[index + 1]?.range[0] ?? text.length
    written = written.slice(0, table.range[0]) + written.slice(end)
  }
  return written === text ? undefined : written
}

function tomlKey(key: string): string {
  return /^[\w-]+$/.test(key) ? key : JSON.stringify(key)
}

function tomlText(value: ParamValue): string {
  if (isList(value)) return `[${value.map(tomlText).join(', ')}]`
  if (isMap(value)) {
    const entries = [...value].map(([key, each]) => `${tomlKey(String(key))} = ${tomlText(each)}`)
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`
  }
  if (isTimestamp(value)) return value.timestamp
  if (typeof value === 'number')
    return Number.isNaN(value)
      ? 'nan'
      : Number.isFinite(value)
        ? pythonFloat(value)
        : value > 0
          ? 'inf'
          : '-inf'
  if (typeof value === 'string') return JSON.stringify(value)
  // TOML has no null; what is read back then is not what was asked for, and that is said.
  return String(value)
}
