import { BREAKS, type Scalar } from './yaml-scalar.ts'

/** Writes tokens and keeps track of the column, which decides where lines break. */
export interface Pen {
  /** Starts a new line at the present indent, or pads to it when the line has only indicators so far. */
  toIndent(): void
  indicator(text: string, how?: { tight?: boolean; indention?: boolean }): void
  scalar(scalar: Scalar, how: { fold: boolean }): void
  /** `same` is a sequence under its key; a scalar counts as deeper for the lines it continues on. */
  deeper(what: 'collection' | 'scalar' | 'same'): void
  shallower(): void
  /** Whether only indentation and indicators stand on this line. */
  atIndention(): boolean
  endLine(): void
  text(): string
}

const WIDTH = 80
const STEP = 2

interface Paper {
  text: string
  column: number
  indent: number
  /** The last thing written is white space, so the next token needs none before it. */
  spaced: boolean
  indention: boolean
}

/** A pen on a new page, whose outermost map stands at the given indent. */
export function openPen(rootIndent = 0): Pen {
  const paper: Paper = { text: '', column: 0, indent: -1, spaced: true, indention: true }
  const indents: number[] = []
  return {
    toIndent: () => toIndent(paper),
    indicator: (text, how) => {
      write(paper, how?.tight === true || paper.spaced ? text : ` ${text}`)
      paper.spaced = false
      paper.indention = paper.indention && how?.indention === true
    },
    scalar: (scalar, { fold }) => {
      if (scalar.style === 'plain') writePlain(paper, Array.from(scalar.text), fold)
      else if (scalar.style === 'single') writeSingle(paper, Array.from(scalar.text), fold)
      else writeDouble(paper, Array.from(scalar.text), fold)
    },
    deeper: (what) => {
      indents.push(paper.indent)
      if (paper.indent < 0) paper.indent = what === 'scalar' ? paper.indent : rootIndent
      else if (what !== 'same') paper.indent += STEP
    },
    shallower: () => {
      paper.indent = indents.pop() ?? -1
    },
    atIndention: () => paper.indention,
    endLine: () => {
      if (paper.column > 0) lineBreak(paper)
    },
    text: () => paper.text,
  }
}

function write(paper: Paper, text: string): void {
  paper.text += text
  paper.column += text.length
}

/** Writes characters, of which one outside the basic plane counts as one column. */
function writeSlice(paper: Paper, characters: readonly string[]): void {
  paper.text += characters.join('')
  paper.column += characters.length
}

function lineBreak(paper: Paper, character = '\n'): void {
  paper.text += character
  paper.column = 0
  paper.spaced = true
  paper.indention = true
}

function toIndent(paper: Paper): void {
  const indent = Math.max(paper.indent, 0)
  const past = paper.column > indent || (paper.column === indent && !paper.spaced)
  // Nothing has been written yet: the first line needs no break before it.
  if ((!paper.indention || past) && paper.text !== '') lineBreak(paper)
  if (paper.column < indent) {
    write(paper, ' '.repeat(indent - paper.column))
    paper.spaced = true
  }
}

function continueLine(paper: Paper): void {
  toIndent(paper)
  paper.spaced = false
  paper.indention = false
}

function writePlain(paper: Paper, text: readonly string[], fold: boolean): void {
  if (text.length === 0) return
  if (!paper.spaced) write(paper, ' ')
  paper.spaced = false
  paper.indention = false
  for (const part of partsOf(text)) {
    if (part.kind === 'word') {
      // A word that does not fit gets a line of its own, even when it is longer than any line.
      if (part.characters.length + paper.column > WIDTH && paper.column > paper.indent)
        toIndent(paper)
      writeSlice(paper, part.characters)
    } else if (fold && part.characters.length === 1 && paper.column >= WIDTH) continueLine(paper)
    else writeSlice(paper, part.characters)
  }
}

function writeSingle(paper: Paper, text: readonly string[], fold: boolean): void {
  openQuote(paper, "'")
  for (const part of partsOf(text)) {
    const inside = part.start > 0 && part.start + part.characters.length < text.length
    if (part.kind === 'word')
      writeSlice(paper, Array.from(part.characters.join('').replaceAll("'", "''")))
    else if (part.kind === 'breaks') {
      if (part.characters[0] === '\n') lineBreak(paper)
      for (const each of part.characters) lineBreak(paper, each)
      toIndent(paper)
    } else if (fold && part.characters.length === 1 && paper.column > WIDTH && inside)
      toIndent(paper)
    else writeSlice(paper, part.characters)
  }
  write(paper, "'")
  paper.spaced = false
  paper.indention = false
}

function openQuote(paper: Paper, quote: string): void {
  write(paper, paper.spaced ? quote : ` ${quote}`)
  paper.spaced = false
  paper.indention = false
}

interface Part {
  readonly kind: 'word' | 'spaces' | 'breaks'
  readonly characters: readonly string[]
  readonly start: number
}

/** Runs of spaces, of line breaks, and of everything else. */
function partsOf(text: readonly string[]): Part[] {
  const parts: { kind: Part['kind']; characters: string[]; start: number }[] = []
  for (const [index, character] of text.entries()) {
    const kind = character === ' ' ? 'spaces' : BREAKS.includes(character) ? 'breaks' : 'word'
    const last = parts.at(-1)
    if (last?.kind === kind) last.characters.push(character)
    else parts.push({ kind, characters: [character], start: index })
  }
  return parts
}

const ESCAPES = new Map(
  Object.entries({
    '\0': '0',
    '\u0007': 'a',
    '\b': 'b',
    '\t': 't',
    '\n': 'n',
    '\v': 'v',
    '\f': 'f',
    '\r': 'r',
    '\u001b': 'e',
    '"': '"',
    '\\': '\\',
    '\u0085': 'N',
    '\u00a0': '_',
    '\u2028': 'L',
    '\u2029': 'P',
  }),
)

function escaped(character: string): string {
  const short = ESCAPES.get(character)
  if (short !== undefined) return `\\${short}`
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16).toUpperCase()
  if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`
  return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`
}

function needsEscape(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  if ('"\\\u0085\u2028\u2029\ufeff'.includes(character)) return true
  const literal =
    (code >= 0x20 && code <= 0x7e) ||
    (code >= 0xa0 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    code >= 0x1_0000
  return !literal
}

function writeDouble(paper: Paper, text: readonly string[], fold: boolean): void {
  openQuote(paper, '"')
  let start = 0
  for (let end = 0; end <= text.length; end++) {
    const character = text[end]
    if (character === undefined || needsEscape(character)) {
      writeSlice(paper, text.slice(start, end))
      start = Math.max(start, end)
      if (character !== undefined) {
        write(paper, escaped(character))
        start = end + 1
      }
    }
    const inside = end > 0 && end < text.length - 1
    if (!fold || !inside || !(character === ' ' || start >= end)) continue
    if (paper.column + (end - start) <= WIDTH) continue
    start = foldDouble(paper, text, { start, end })
  }
  write(paper, '"')
  paper.spaced = false
  paper.indention = false
}

/** Breaks the line inside double quotes and gives where the text goes on. */
function foldDouble(
  paper: Paper,
  text: readonly string[],
  at: { start: number; end: number },
): number {
  const backslash = needsBackslash(text, at)
  writeSlice(paper, text.slice(at.start, at.end))
  if (backslash) write(paper, '\\')
  let start = Math.max(at.start, at.end)
  continueLine(paper)
  if (text[start] === ' ') {
    // Without a backslash the line break itself is read as this space.
    if (backslash) write(paper, '\\')
    else start += 1
  }
  return start
}

function needsBackslash(text: readonly string[], at: { start: number; end: number }): boolean {
  const space = text.indexOf(' ', at.end)
  if (space < 0) return true
  const newline = text.slice(at.end, space).indexOf('\n')
  const stop = newline < 0 ? space : at.end + newline
  const next = text[stop + 1]
  if (next === undefined) return true
  if (text[stop] === '\n' && next !== ' ') return true
  const between = text.slice(at.end, stop).join('')
  const free =
    !/["']/.test(between) &&
    next !== ' ' &&
    next !== '\n' &&
    !(text[at.end - 1] === ' ' && text[at.end] === ' ') &&
    at.start !== at.end
  return !free
}
