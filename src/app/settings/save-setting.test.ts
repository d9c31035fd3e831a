import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { saveSetting, withSetting } from './save-setting.ts'

const URL = 'postgres://me:a%2Fb@db:5432/orrery?sslmode=require'

test.each([
  ['', `database: "${URL}"\n`],
  ['# only a word\n', `# only a word\ndatabase: "${URL}"\n`],
  ['port: 1', `port: 1\ndatabase: "${URL}"\n`],
  [
    'port: 1 # mine\n\ndatabase: "" # as it was\nlogLevel: debug\n',
    `port: 1 # mine\n\ndatabase: "${URL}" # as it was\nlogLevel: debug\n`,
  ],
  [`database: 'postgres://old'\n`, `database: "${URL}"\n`],
])('of %j only the setting changes', (before, after) => {
  expect(withSetting(before, 'database', URL)).toBe(after)
})

test.each(['database:\nport: 1\n', '{ port: 1 }\n', '{ database: "", port: 1 }', 'port: 1\n...\n'])(
  '%j is written anew where it has no line for the setting',
  (before) => {
    const wanted = { ...(parse(before) as object), database: URL }
    expect(parse(withSetting(before, 'database', URL))).toEqual(wanted)
  },
)

test('the file appears whole, and only its owner reads it', async () => {
  const home = await mkdtemp(join(tmpdir(), 'orrery-settings-'))
  const path = join(home, 'config.yaml')
  await saveSetting(home, 'database', URL)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await writeFile(path, 'port: 1\n', { mode: 0o644 })
  await saveSetting(home, 'database', '')
  expect(await readFile(path, 'utf8')).toBe('port: 1\ndatabase: ""\n')
  expect((await stat(path)).mode & 0o077).toBe(0)
  expect(await readdir(home)).toEqual(['config.yaml'])
})
