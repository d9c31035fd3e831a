/** Output of stages, each line after the name of its stage, also where several write at once. */
export interface LinePrefixer {
  add(step: string, text: string): void
  /** Prints a last line that nobody ended. */
  flush(step: string): void
}

export function linePrefixer(put: (text: string) => unknown): LinePrefixer {
  const rests = new Map<string, string>()
  return {
    add: (step, text) => {
      const lines = ((rests.get(step) ?? '') + text).split(/\r?\n/)
      rests.set(step, lines.pop() ?? '')
      for (const line of lines) put(`${step} | ${line}\n`)
    },
    flush: (step) => {
      const rest = rests.get(step) ?? ''
      if (rest !== '') put(`${step} | ${rest}\n`)
      rests.delete(step)
    },
  }
}
