import type { Readable } from 'node:stream'
import type { Logger } from '#base/logger'
import { withoutPlaces } from '#runtimes/onnx/places'

/** Enough to see what a Python program died of. */
const LAST_LINES = 15
const LINE_CHARS_MAX = 500
/** Lines that a model may write into the log in one period; a model that prints each row must not fill the disk. */
const LINES_MAX = 100
const PERIOD_MS = 10_000

/** Keeps what a process prints: the last lines for errors, all of them, within limits, in the log. */
export function wordsOf(name: string, streams: readonly Readable[], logger: Logger) {
  const last: string[] = []
  let period = 0
  let written = 0
  const toLog = (line: string) => {
    const now = Math.floor(performance.now() / PERIOD_MS)
    if (now !== period) {
      if (written > LINES_MAX)
        logger.info({ process: name, lines: written - LINES_MAX }, 'lines of a model are left out')
      period = now
      written = 0
    }
    written += 1
    if (written <= LINES_MAX) logger.info({ process: name, line }, 'a model printed')
  }
  const onLine = (line: string) => {
    if (line.trim() === '') return
    last.push(line)
    if (last.length > LAST_LINES) last.shift()
    toLog(line)
  }
  for (const stream of streams) eachLine(stream, onLine)
  return { last: () => withoutPlaces(last.join('\n')) }
}

/** Calls back with the beginning of each line; a line without an end takes no more memory than one with. */
function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let begun = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = text.split('\n')
    for (const [index, part] of lines.entries()) {
      begun = (begun + part).slice(0, LINE_CHARS_MAX)
      if (index === lines.length - 1) return
      onLine(begun)
      begun = ''
    }
  })
  stream.on('end', () => onLine(begun))
}
