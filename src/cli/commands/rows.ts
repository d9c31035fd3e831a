import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { Problem } from '#base/problem'

/** Records of a JSON file: a list, or one object a line. `-` is the standard input. */
export async function recordsIn(file: string): Promise<Record<string, unknown>[]> {
  const content =
    file === '-'
      ? await text(process.stdin)
      : await readFile(file, 'utf8').catch(() => {
          throw new Problem(
            'not-found',
            `${file} cannot be read; name a JSON file, or - for the input`,
          )
        })
  try {
    const records: unknown = content.trimStart().startsWith('[')
      ? JSON.parse(content)
      : content
          .split('\n')
          .filter((line) => line.trim() !== '')
          .map((line) => JSON.parse(line) as unknown)
    if (Array.isArray(records) && records.every(isRecord)) return records
  } catch {
    // Told below, in the same words as for JSON of another form.
  }
  throw new Problem(
    'invalid',
    `${file === '-' ? 'the input' : file} must hold records as JSON: a list of objects, or one object a line`,
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
