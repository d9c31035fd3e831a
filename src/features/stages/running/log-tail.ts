const LOG_TAIL_CHARACTERS = 64 * 1024

/** The end of a text that comes in pieces. */
export function logTail(limit = LOG_TAIL_CHARACTERS): { add(text: string): void; text(): string } {
  let kept = ''
  return {
    add: (text) => {
      kept += text
      if (kept.length > 2 * limit) kept = kept.slice(-limit)
    },
    text: () => kept.slice(-limit),
  }
}
