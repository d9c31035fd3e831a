import { execFile, execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { initProject } from '#app/project/init'
import { openWorkspace } from '#app/project/workspace'
import type { ReproOptions, StepResult } from '#stages'

const run = promisify(execFile)

let disk: string
let root: string
let mounted: boolean

beforeEach(async () => {
  disk = mkdtempSync(join(tmpdir(), 'orrery-full-'))
  root = join(disk, 'project')
  mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'none', disk]).then(
    () => true,
    () => false,
  )
  mkdirSync(root)
  execFileSync('git', ['init', '-q'], { cwd: root })
  await initProject(root, { noScm: false })
})
afterEach(async () => {
  if (mounted) await run('umount', ['-l', disk])
  rmSync(disk, { recursive: true, force: true })
})

const write = (path: string, text: string) => writeFileSync(join(root, path), text)
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const namesIn = (folder: string) =>
  existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : []
const cached = () => execFileSync('find', ['.dvc/cache', '-type', 'f'], { cwd: root }).toString()

async function repro(cmd: string, options: Partial<ReproOptions>): Promise<StepResult | undefined> {
  write('dvc.yaml', `stages:\n  make: {cmd: '${cmd}', deps: [given], outs: [made, more]}\n`)
  const { pipelines } = openWorkspace(root, {
    variables: { PATH: process.env['PATH'], SHELL: '/bin/sh' },
    environments: join(disk, 'environments'),
  })
  const { steps } = await pipelines.repro({ targets: [], ...options })
  return steps.find(({ name }) => name === 'make')
}

const GOOD = 'cp given made; cp given more'

test.for([
  { hermetic: 'off', how: 'fills it', cmd: 'cp given made; cat /dev/zero > more' },
  { hermetic: 'strict', how: 'fills it in its room', cmd: 'cp given made; cat /dev/zero > more' },
  {
    hermetic: 'off',
    how: 'leaves no space to keep what it made',
    cmd: 'head -c 14000000 /dev/urandom > made; cp given more',
  },
] as const)(
  'a stage that $how ($hermetic) fails with the reason, and its old outputs, the lock and the cache are as they were',
  async ({ hermetic, cmd }, { skip }) => {
    skip(!mounted, 'only root may mount a small disk')
    write('given', 'old')
    expect(await repro(GOOD, { hermetic })).toMatchObject({ outcome: 'succeeded' })
    const [lock, kept] = [read('dvc.lock'), cached()]
    write('given', 'new')

    let said = ''
    const step = await repro(cmd, {
      hermetic,
      onEvent: (event) => (said += event.kind === 'output' ? event.text : ''),
    })
    expect(step).toMatchObject({ outcome: 'failed' })
    expect(`${said}${step?.failure}`).toMatch(/no space left on device/i)
    expect([read('made'), read('more'), read('dvc.lock')]).toEqual(['old', 'old', lock])
    expect(cached()).toBe(kept)
    expect(namesIn('.dvc/tmp/orrery/rooms')).toEqual([])
    expect(namesIn('.dvc/tmp/orrery/aside')).toEqual([])

    // The disk has as much room as before, and the stage runs.
    expect(await repro(GOOD, { hermetic })).toMatchObject({ outcome: 'succeeded', failure: null })
    expect([read('made'), read('more')]).toEqual(['new', 'new'])
  },
)
