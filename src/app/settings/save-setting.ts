import { existsSync } from 'node:fs'
import { open, readFile, realpath, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isMap, isScalar, parse, parseDocument } from 'yaml'
import { invariant } from '#base/invariant'

/** Whoever owns the home may read a password in its settings, and nobody else. */
const OWNER_ONLY = 0o600

/** Sets one setting in the home's config.yaml; all else in it stays as it is, comments too. The file is never half of anything. */
export async function saveSetting(home: string, key: string, value: string): Promise<void> {
  const named = join(home, 'config.yaml')
  // Where it is a link, what it points to is changed.
  const path = existsSync(named) ? await realpath(named) : named
  const text = existsSync(path) ? await readFile(path, 'utf8') : ''
  const mode = existsSync(path) ? (await stat(path)).mode & OWNER_ONLY : OWNER_ONLY
  const file = await open(`${path}.half`, 'w', OWNER_ONLY)
  try {
    await file.chmod(mode)
    await file.writeFile(withSetting(text, key, value))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.half`, path)
}

/** The text of settings with one of them set. */
export function withSetting(text: string, key: string, value: string): string {
  const says = (candidate: string) => {
    try {
      const wanted = { ...(parse(text) as Record<string, unknown> | null), [key]: value }
      return JSON.stringify(sorted(parse(candidate))) === JSON.stringify(sorted(wanted))
    } catch {
      return false
    }
  }
  const document = parseDocument(text)
  const spliced = splicedInto(text, { key, value, document })
  if (says(spliced)) return spliced
  // Written in a way that has no line of its own for the setting.
  document.set(key, value)
  const printed = document.toString({ lineWidth: 0 })
  invariant(says(printed), `config.yaml keeps what it says beside ${key}`)
  return printed
}

function splicedInto(
  text: string,
  {
    key,
    value,
    document,
  }: { key: string; value: string; document: ReturnType<typeof parseDocument> },
): string {
  const quoted = JSON.stringify(value)
  const node = isMap(document.contents) ? document.contents.get(key, true) : undefined
  if (isScalar(node) && node.range) {
    const [start, end] = node.range
    return `${text.slice(0, start)}${quoted}${text.slice(end)}`
  }
  const before = text === '' || text.endsWith('\n') ? text : `${text}\n`
  return `${before}${key}: ${quoted}\n`
}

function sorted(settings: unknown): unknown {
  return Object.entries((settings ?? {}) as Record<string, unknown>).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  )
}
