import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { stateOf } from './paths.ts'
import { isAt } from './system.ts'

const TMP = '/tmp'

/**
 * What a stage wrote into a `/tmp` of its own though it meant the machine's: beside something of the machine that is
 * shown there, or in the place of one of its files. All else there is passing, as everywhere.
 */
export function straysIn(folder: string, shown: readonly string[]): string[] {
  const beside = (path: string): string[] =>
    namesIn(join(folder, path.slice(TMP.length))).flatMap((name) => {
      const each = `${path}/${name}`
      if (shown.includes(each)) return []
      if (shown.some((other) => isAt(other, each))) return beside(each)
      return path !== TMP || isMistakenFor(each, name) ? [each] : []
    })
  return beside(TMP)
}

/** Names with a dot are what libraries leave for themselves. */
function isMistakenFor(path: string, name: string): boolean {
  return !name.startsWith('.') && stateOf(path)?.isFile() === true
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    // It is no folder, or was taken away.
    return []
  }
}
