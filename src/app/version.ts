import { readFileSync } from 'node:fs'

// Both src/app and dist/app lie two folders below package.json.
const manifest = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string; dependencies: Readonly<Record<string, string>> }

export const VERSION = manifest.version

const ENGINES = new Set(['@duckdb/node-api', 'better-sqlite3'])

/** The engines that are installed along, which matter to whoever looks into a fault. */
export const EMBEDDED: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(manifest.dependencies).filter(([name]) => ENGINES.has(name)),
)
