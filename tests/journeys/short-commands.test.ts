import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCommand } from '../support/command.ts'
import { MAIN } from '../support/orrery.ts'

// What a short command loads is most of its time, and a single import may bring a database or a server with it.

const run = promisify(execFile)
const repository = join(import.meta.dirname, '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'orrery-short-'))
const project = join(folder, 'project')
/** Where each file is what its name says, whatever the other tests run. */
const SOURCE = join(repository, 'src', 'cli', 'main.ts')

/** The command line's library with all that it brings, ignore rules, and names for new files. */
const PACKAGES =
  /^(?:yargs|yargs-parser|y18n|cliui|escalade|get-caller-file|string-width|wrap-ansi|ansi-styles|ansi-regex|strip-ansi|emoji-regex|is-fullwidth-code-point|ignore|ulid)$/
const ROOMS =
  /^src\/(?:base|cli|features\/(?:data|stages)|protocols\/dvc|stores\/dvc|executors\/process|app\/(?:project\/|version\.ts|settings\/environment\.ts))/

const COMMANDS = ['status', 'add data', 'checkout', 'diff', 'push', 'pull', 'repro', 'data status']
/** These do not even open the project. */
const SETTINGS = ['check-ignore a.tmp', 'config core.remote', 'remote list', 'cache dir', 'root']

beforeAll(async () => {
  mkdirSync(join(project, 'data'), { recursive: true })
  mkdirSync(join(folder, 'store'))
  execFileSync('git', ['init', '--quiet'], { cwd: project })
  for (const name of ['1', '2']) writeFileSync(join(project, 'data', name), name)
  writeFileSync(
    join(project, 'dvc.yaml'),
    'stages:\n  count:\n    cmd: ls data > names.txt\n    deps: [data]\n    outs: [names.txt]\n',
  )
  const steps = [
    'init',
    `remote add -d store ${join(folder, 'store')}`,
    'add data',
    'repro',
    'push',
  ]
  for (const step of steps) {
    const { code, err } = await runCommand(project, step.split(' '))
    if (code !== 0) throw new Error(`${step} ended with ${code}: ${err}`)
  }
  writeFileSync(join(project, '.dvcignore'), '*.tmp\n')
  const git = ['-c', 'user.name=Ada', '-c', 'user.email=ada@localhost']
  execFileSync('git', [...git, 'add', '--all'], { cwd: project })
  execFileSync('git', [...git, 'commit', '--quiet', '--message=data'], { cwd: project })
}, 60_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

it.each([...COMMANDS, ...SETTINGS])('%s loads nothing heavy', async (command) => {
  const loaded = await loadedBy(SOURCE, command)
  const packages = loaded.flatMap(
    (file) => /.*\bnode_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? [],
  )
  const rooms = loaded.filter((file) => file.startsWith('src/'))
  expect(packages).toContain('yargs')
  expect([...new Set(packages)].filter((name) => !PACKAGES.test(name))).toEqual([])
  expect(rooms.filter((file) => !ROOMS.test(file))).toEqual([])
})

it.each(SETTINGS)('%s opens no project', async (command) => {
  const loaded = await loadedBy(SOURCE, command)
  expect(loaded.filter((file) => file.startsWith('src/features/'))).toEqual([])
})

it.runIf(process.env['ORRERY_BUILT'] === '1')(
  'the package keeps together what is loaded together',
  async () => {
    const code = (files: string[]) => files.filter((file) => file.startsWith('dist/code/'))
    const sizeOf = (files: string[]) =>
      files.reduce((sum, file) => sum + statSync(join(repository, file)).size, 0)
    const status = code(await loadedBy(MAIN, 'status'))
    const setting = code(await loadedBy(MAIN, 'config core.remote'))
    expect(status).toContain('dist/code/cli-main.js')
    expect(status.length).toBeLessThan(20)
    expect(sizeOf(status)).toBeLessThan(1_500_000)
    expect(sizeOf(setting)).toBeLessThan(400_000)
  },
)

const TELLER_CODE = `
  import { registerHooks } from 'node:module'
  import { writeFileSync } from 'node:fs'
  const urls = new Set()
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context)
      urls.add(found.url)
      return found
    },
  })
  process.on('exit', () => writeFileSync(process.env.TOLD_TO, JSON.stringify([...urls])))
`

const TELLER = `--import=data:text/javascript,${encodeURIComponent(TELLER_CODE)}`

/** Which files of the repository a command loads, from its root; it has to end well. */
async function loadedBy(main: string, command: string): Promise<string[]> {
  const told = join(folder, 'loaded.json')
  const { ORRERY_URL: _url, MLFLOW_TRACKING_URI: _uri, ORRERY_HOME: _home, ...env } = process.env
  await run(process.execPath, [TELLER, main, ...command.split(' ')], {
    cwd: project,
    env: { ...env, TOLD_TO: told },
  })
  const urls = JSON.parse(readFileSync(told, 'utf8')) as string[]
  return urls
    .filter((url) => url.startsWith('file:'))
    .map((url) => relative(repository, fileURLToPath(url)))
}
