import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const NAME = /^(\d{12})\.journal$/

/** Numbers of the journal's files, oldest first. A number is never given again: the newest file always stays. */
export function filesIn(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const [, number] = NAME.exec(name) ?? []
      return number === undefined ? [] : [Number(number)]
    })
    .toSorted((one, other) => one - other)
}

export function pathOf(folder: string, file: number): string {
  return join(folder, `${String(file).padStart(12, '0')}.journal`)
}
