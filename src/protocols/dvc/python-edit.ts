import { isList, isMap, isTimestamp, type ParamEdit, type ParamValue } from '#stages'
import { pythonFloat } from './python.ts'

/**
 * Changes the literal of one assignment in a Python file: of the module, of a class, or of `self` in `__init__`; or one
 * entry of a dictionary that is written on lines of its own. Undefined where it does not see how.
 */
export function setInPython(text: string, { path, value }: ParamEdit): string | undefined {
  if (value === undefined) return undefined
  const lines = text.split('\n')
  const [first, ...rest] = path.map(String)
  const name = rest.at(-1) ?? first ?? ''
  const start = rest.length === 0 ? 0 : ownerLine(lines, first ?? '')
  if (start < 0 || rest.length > 1) return undefined
  const isEntry = rest.length > 0 && !/^\s*class\b/.test(lines[start] ?? '')
  for (let at = start; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const found = isEntry ? entryOn(line, name) : assignmentOn(line, name, rest.length === 0)
    if (found === undefined) continue
    const literal = literalAt(line, found)
    if (literal === undefined) return undefined
    lines[at] = line.slice(0, found) + pythonText(value) + line.slice(found + literal.length)
    return lines.join('\n')
  }
  return undefined
}

/** The line on which a class, or a dictionary, of that name begins. */
function ownerLine(lines: readonly string[], name: string): number {
  const starts = new RegExp(
    String.raw`^\s*(?:class\s+${name}\b|(?:self\.)?${name}\s*(?::[^=]*)?=\s*\{)`,
  )
  return lines.findIndex((line) => starts.test(line))
}

function assignmentOn(line: string, name: string, isTop: boolean): number | undefined {
  const indent = isTop ? '' : String.raw`\s+`
  const plain = String.raw`(?:${indent}|\s+self\.)`
  const found = new RegExp(String.raw`^${plain}${name}\s*(?::[^=]*)?=\s*(?!=)`).exec(line)
  return found?.[0].length
}

function entryOn(line: string, name: string): number | undefined {
  const found = new RegExp(String.raw`["']${name}["']\s*:\s*`).exec(line)
  return found === null ? undefined : found.index + found[0].length
}

/** A literal that ends on its line. */
function literalAt(line: string, from: number): string | undefined {
  const rest = line.slice(from)
  const simple = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[-+]?[\w.]+(?:[eE][-+]\d+)?)/.exec(
    rest,
  )?.[0]
  if (simple !== undefined) return simple
  const closing = { '[': ']', '(': ')', '{': '}' }[rest[0] ?? '']
  if (closing === undefined) return undefined
  let depth = 0
  for (let at = 0; at < rest.length; at++) {
    if (rest[at] === rest[0]) depth += 1
    if (rest[at] === closing) depth -= 1
    if (depth === 0) return rest.slice(0, at + 1)
  }
  return undefined
}

function pythonText(value: ParamValue): string {
  if (isList(value)) return `[${value.map(pythonText).join(', ')}]`
  if (isMap(value))
    return `{${[...value].map(([key, each]) => `${pythonText(key)}: ${pythonText(each)}`).join(', ')}}`
  if (isTimestamp(value)) return JSON.stringify(value.timestamp)
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number')
    return Number.isFinite(value) ? pythonFloat(value) : `float('${String(value).toLowerCase()}')`
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
