import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { runCommand } from '../support/command.ts'

const { version, dependencies } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string; dependencies: Record<string, string> }

test('version says which version it is, on what it runs, and what it brings along', async () => {
  const { code, out, err } = await runCommand(tmpdir(), ['version', '--json'])
  expect([code, err]).toEqual([0, ''])
  expect(JSON.parse(out)).toEqual({
    version,
    platform: expect.stringContaining(`${process.platform} ${process.arch}`) as string,
    embedded: {
      node: process.versions.node,
      '@duckdb/node-api': dependencies['@duckdb/node-api'],
      'better-sqlite3': dependencies['better-sqlite3'],
    },
  })
  const lines = await runCommand(tmpdir(), ['version'])
  expect(lines.out.split('\n').slice(0, 1)).toEqual([`orrery ${version}`])
})
