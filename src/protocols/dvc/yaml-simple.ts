import type { ParamKey, ParamValue } from '#stages'
import { plainValue } from './yaml-plain.ts'

/**
 * Reads the YAML that most files of DVC are made of, in a tenth of the time: maps and lists in block style, lists in
 * one line, text on one line or folded, comments on lines of their own. Undefined for a text with anything else,
 * which is no fault of it.
 */
export function readSimpleYaml(text: string): { readonly value: ParamValue } | undefined {
  const lines = linesOf(text)
  if (lines === undefined || lines.length === 0) return undefined
  const reading: Reading = { lines, at: 0 }
  try {
    const value = blockAt(reading, 0)
    return reading.at === lines.length ? { value } : undefined
  } catch (error) {
    // Nested too deeply: whoever reads all of YAML says so.
    if (error === NOT_SIMPLE || error instanceof RangeError) return undefined
    throw error
  }
}

interface Line {
  readonly indent: number
  readonly text: string
  /** Whether an empty line comes before: folding keeps those. */
  readonly isApart: boolean
}

interface Reading {
  readonly lines: Line[]
  at: number
}

const NOT_SIMPLE = new Error('not simple')

function linesOf(text: string): Line[] | undefined {
  // Tabs, other line ends and blanks of other alphabets have rules of their own.
  if (/[^\n\x20-\x7e]/.test(text)) return undefined
  const lines: Line[] = []
  let isApart = false
  for (const line of text.split('\n')) {
    const bare = line.trimStart()
    if (bare === '' || bare.startsWith('#')) isApart = true
    else {
      lines.push({ indent: line.length - bare.length, text: bare.trimEnd(), isApart })
      isApart = false
    }
  }
  return lines
}

function lineOf({ lines, at }: Reading): Line | undefined {
  return lines[at]
}

/** The map or list whose lines begin at `indent`. */
function blockAt(reading: Reading, indent: number): ParamValue {
  const line = lineOf(reading)
  if (line?.indent !== indent) throw NOT_SIMPLE
  return isItem(line) ? listAt(reading, indent) : mapAt(reading, indent)
}

function isItem({ text }: Line): boolean {
  return text === '-' || text.startsWith('- ')
}

function listAt(reading: Reading, indent: number): ParamValue[] {
  const items: ParamValue[] = []
  for (
    let line = lineOf(reading);
    line?.indent === indent && isItem(line);
    line = lineOf(reading)
  ) {
    const rest = line.text.slice(1).trimStart()
    const within = indent + line.text.length - rest.length
    if (rest === '') {
      reading.at += 1
      const next = lineOf(reading)
      items.push(next !== undefined && next.indent > indent ? blockAt(reading, next.indent) : null)
    } else if (KEY.test(rest)) {
      // A map that begins on the line of its item goes on where its first key stands.
      reading.lines[reading.at] = { ...line, indent: within, text: rest }
      items.push(mapAt(reading, within))
    } else if (rest.startsWith('- ')) throw NOT_SIMPLE
    else {
      reading.at += 1
      items.push(valueOf(reading, rest, indent))
    }
  }
  return items
}

const KEY = /^([A-Za-z0-9_][\w.@/-]*|\.?[\w./-]+):(?: +(.*))?$/

function mapAt(reading: Reading, indent: number): ParamValue {
  const map = new Map<ParamKey, ParamValue>()
  for (let line = lineOf(reading); line?.indent === indent; line = lineOf(reading)) {
    const found = KEY.exec(line.text)
    if (found === null) throw NOT_SIMPLE
    const key = plainValue(found[1] ?? '')
    if (typeof key !== 'string' || map.has(key)) throw NOT_SIMPLE
    reading.at += 1
    map.set(
      key,
      found[2] === undefined ? below(reading, indent) : valueOf(reading, found[2], indent),
    )
  }
  const next = lineOf(reading)
  if (next !== undefined && next.indent > indent) throw NOT_SIMPLE
  return map
}

/** What stands below a key: a list may begin where the key does. */
function below(reading: Reading, indent: number): ParamValue {
  const next = lineOf(reading)
  if (next === undefined || next.indent < indent) return null
  if (next.indent === indent) return isItem(next) ? listAt(reading, indent) : null
  return isItem(next) || KEY.test(next.text) ? blockAt(reading, next.indent) : throwNotSimple()
}

function throwNotSimple(): never {
  throw NOT_SIMPLE
}

/** A value that begins behind its key or dash, and may go on in lines further in. */
function valueOf(reading: Reading, first: string, indent: number): ParamValue {
  let text = first
  let isFolded = false
  for (
    let line = lineOf(reading);
    line !== undefined && line.indent > indent;
    line = lineOf(reading)
  ) {
    if (line.isApart) throw NOT_SIMPLE
    text += ` ${line.text}`
    isFolded = true
    reading.at += 1
  }
  if (text === '[]') return []
  if (text === '{}') return new Map()
  if (text.startsWith('[') && !isFolded) return inlineList(text)
  if (text.startsWith("'") && !isFolded) return quoted(text)
  if (!isPlain(text)) throw NOT_SIMPLE
  return plainValue(text)
}

/** Text that means itself: no mark of YAML begins it, and nothing in it ends it. */
function isPlain(text: string): boolean {
  return /^[A-Za-z0-9_./$~+]/.test(text) || /^-[\w.]/.test(text) ? !/: |:$| #/.test(text) : false
}

function quoted(text: string): string {
  if (!/^'[^']*'$/.test(text)) throw NOT_SIMPLE
  return text.slice(1, -1)
}

function inlineList(text: string): ParamValue[] {
  if (!text.endsWith(']')) throw NOT_SIMPLE
  return text
    .slice(1, -1)
    .split(',')
    .map((part) => {
      const item = part.trim()
      if (item.startsWith("'")) return quoted(item)
      if (!/^[\w./-]+$/.test(item) || /^-(?![\d.])/.test(item)) throw NOT_SIMPLE
      return plainValue(item)
    })
}
