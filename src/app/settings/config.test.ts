import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig, type ConfigKey } from './config.ts'

async function homeWith(settings?: string): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'orrery-config-'))
  if (settings !== undefined) await writeFile(join(home, 'config.yaml'), settings)
  return home
}

const refusal = (act: () => unknown) => {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('it was not refused')
}

test('a flag wins over the environment, that over the file, and that over the default', async () => {
  const home = await homeWith('port: 1\nlogLevel: debug\ndrainMs: 5\n')
  const { config, origins } = loadConfig(
    { home, port: 3 },
    { ORRERY_PORT: '2', ORRERY_LOG_LEVEL: 'warn' },
  )
  expect(config).toMatchObject({ home, port: 3, logLevel: 'warn', drainMs: 5, host: '127.0.0.1' })
  const from = (key: ConfigKey) => origins.find((origin) => origin.key === key)?.from
  expect((['home', 'port', 'logLevel', 'drainMs', 'host'] as const).map(from)).toEqual([
    'flag',
    'flag',
    'environment',
    'file',
    'default',
  ])
})

test('home is made absolute, and found in the environment when no flag names it', async () => {
  const home = await homeWith('port: 77\n')
  expect(loadConfig({}, { ORRERY_HOME: home }).config).toMatchObject({ home, port: 77 })
  expect(loadConfig({ home: 'some/where' }, {}).config.home).toBe(resolve('some/where'))
  expect(loadConfig({}, {}).config.home).toBe(resolve('.orrery'))
})

test('an empty variable is one that is not set', () => {
  const { config } = loadConfig({}, { ORRERY_PORT: '', ORRERY_HOME: '', ORRERY_LOG_LEVEL: '' })
  expect(config).toMatchObject({ port: 4680, logLevel: 'info', home: resolve('.orrery') })
})

test('a number in the environment is read as one', () => {
  expect(loadConfig({}, { ORRERY_PORT: ' 8080 ' }).config.port).toBe(8080)
})

const PORT = 'it must be a whole number, at least 0, at most 65535. TCP port'
test.each([
  [{ port: Number.NaN }, {}, `port (from flag) is no number; ${PORT}`],
  [{ port: 70_000 }, {}, `port (from flag) is 70000; ${PORT}`],
  [{ port: [1, 2] }, {}, `port (from flag) is [1,2]; ${PORT}`],
  [{ port: true }, {}, `port (from flag) is true; ${PORT}`],
  [{}, { ORRERY_PORT: '1.5' }, `port (from environment) is "1.5"; ${PORT}`],
  [{}, { ORRERY_PORT: '80 or so' }, `port (from environment) is "80 or so"; ${PORT}`],
  [{}, { ORRERY_PORT: '-1' }, `port (from environment) is "-1"; ${PORT}`],
  [
    {},
    { ORRERY_LOG_LEVEL: 'loud' },
    'logLevel (from environment) is "loud"; it must be one of debug, info, warn, error, silent.',
  ],
  [{ home: '' }, {}, 'home is ""; give one folder'],
  [{ home: ['a', 'b'] }, {}, 'home is ["a","b"]; give one folder'],
])('wrong settings %j %j are refused with what would be right', (flags, variables, message) => {
  const error = refusal(() => loadConfig(flags, variables))
  expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining(message) })
})

test.each([
  ['prot: 80\n', 'has the setting prot, which does not exist; see "orrery doctor"'],
  ['toString: 80\n', 'has the setting toString, which does not exist'],
  ['home: /elsewhere\n', 'cannot say where home is, for it lies there; use --home or ORRERY_HOME'],
  ['- a\n- b\n', 'must hold settings as "key: value" lines'],
  ['just words\n', 'must hold settings as "key: value" lines'],
  ['port: [1\n', 'config.yaml is not YAML'],
  ['port: true\n', 'port (from file) is true'],
])('a settings file of %j is refused with its name', async (text, message) => {
  const home = await homeWith(text)
  const error = refusal(() => loadConfig({ home }, {}))
  expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining(message) })
})

test('an empty settings file sets nothing', async () => {
  const home = await homeWith('# nothing yet\n')
  expect(loadConfig({ home }, {}).config.port).toBe(4680)
})
