import type { ParamMap } from '#stages'
import { printYaml } from './yaml-write.ts'

/**
 * The lock's text with one stage's entry, without reading the entries of the others: a pipeline of thousands of
 * stages writes its lock as often. A new entry comes before those at the end that are later ones. Undefined for a text
 * that is not as DVC writes it.
 */
export function withStageInText(
  source: string,
  { name, entry, isLater }: { name: string; entry: ParamMap; isLater?: IsLater },
): string | undefined {
  const stages = placesOf(source)
  const head = headOf(name)
  if (stages === undefined || head === undefined) return undefined
  const printed = printYaml(new Map([[name, entry]]), { indent: 2 })
  const index = stages.findIndex(({ text }) => text === head)
  const old = stages[index]
  if (old !== undefined) {
    const before = source.slice(old.at, old.end)
    // Comments, and the versions that a bucket keeps, are for whoever reads the entry.
    if (/#|^ +(?:files|cloud):/m.test(before)) return undefined
    return source.slice(0, old.at) + printed + source.slice(old.end)
  }
  // A name that somebody put in quotes may be this one.
  if (stages.some(({ text }) => /^ {2}["']/.test(text))) return undefined
  const last = stages.findLast(({ text }) => isLater?.(nameIn(text)) !== true)
  const at = last?.end ?? stages[0]?.at ?? source.length
  return source.slice(0, at) + printed + source.slice(at)
}

/** Whether an entry of that name comes after the one that is written. */
export type IsLater = (name: string) => boolean

function nameIn(line: string): string {
  return line.slice(2, -1)
}

interface Place {
  /** The line of its name. */
  readonly text: string
  readonly at: number
  readonly end: number
}

/** Where the entries are; undefined where the map of stages has lines of another form. */
function placesOf(source: string): Place[] | undefined {
  const from = /^stages:\n(?= {2}\S)/m.exec(source)
  if (from === null || !source.endsWith('\n')) return undefined
  const start = from.index + from[0].length
  const end = endOf(source, start)
  if (end === undefined) return undefined
  const names = /^ {2}(?! ).*:$/gm
  names.lastIndex = start
  const found: { text: string; at: number }[] = []
  for (let name = names.exec(source); name !== null && name.index < end; name = names.exec(source))
    found.push({ text: name[0], at: name.index })
  return found.map(({ text, at }, index) => ({ text, at, end: found[index + 1]?.at ?? end }))
}

/** Where the first line is that is neither a stage's name nor further in: the end, or the next key of the file. */
function endOf(source: string, start: number): number | undefined {
  const other = /^(?! {3,}\S| {2}[^\s#?].*:$)/gm
  other.lastIndex = start
  const end = other.exec(source)?.index ?? source.length
  return end === source.length || /[a-z]/.test(source[end] ?? '') ? end : undefined
}

/** The line of a stage's name as it is written; undefined for one that takes more than a line. */
function headOf(name: string): string | undefined {
  const line = printYaml(new Map([[name, null]]), { indent: 2 }).trimEnd()
  return /^ {2}[^\s#?].*:$/.test(line) && !line.includes('\n') ? line : undefined
}
