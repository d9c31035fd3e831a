import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { parseProfile, PROFILE_MARK, type Profile } from '#drift'

/** The profile that a file holds; undefined for what is no profile, such as a table. */
export function storedProfile(path: string): Profile | undefined {
  if (!path.endsWith('.json') || !existsSync(path) || !statSync(path).isFile()) return undefined
  return startOf(path) === PROFILE_MARK ? parseProfile(readFileSync(path, 'utf8'), path) : undefined
}

function startOf(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(PROFILE_MARK.length)
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(file)
  }
}
