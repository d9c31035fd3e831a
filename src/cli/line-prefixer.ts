/** Output of stages, each line after the name of its stage, also where several write at once. */
export interface LinePrefixer {
  add(step: string, text: string): void
  /** Prints a last line that nobody ended. */
  flush(step: string): void
}

/** Longer ones are told in parts, so that output without an end of line takes no more memory than this. */
const LINE_CHARACTERS_MAX = 16_384
/** Stands where a line was cut. */
const CUT = '\u21a9'

export function linePrefixer(put: (text: string) => unknown): LinePrefixer {
  const rests = new Map<string, string>()
  return {
    add: (step, text) => {
      const lines = ((rests.get(step) ?? '') + text).split(/\r?\n/)
      const rest = partsOf(lines.pop() ?? '')
      rests.set(step, rest.pop() ?? '')
      for (const part of [...lines.flatMap(partsOf), ...rest]) put(`${step} | ${part}\n`)
    },
    flush: (step) => {
      const rest = rests.get(step) ?? ''
      if (rest !== '') put(`${step} | ${rest}\n`)
      rests.delete(step)
    },
  }
}

function partsOf(line: string): string[] {
  const parts: string[] = []
  let at = 0
  while (line.length - at > LINE_CHARACTERS_MAX) {
    // Two halves of one character stay together.
    const end = at + LINE_CHARACTERS_MAX
    const code = line.charCodeAt(end - 1)
    const next = code >= 0xd800 && code < 0xdc00 ? end - 1 : end
    parts.push(`${line.slice(at, next)}${CUT}`)
    at = next
  }
  parts.push(line.slice(at))
  return parts
}
