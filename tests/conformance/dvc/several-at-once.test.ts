import { execFile, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { dvcEnvironment, ours, pythonBin, sandbox, type Sandbox } from './support.ts'

// Several people, or a person and a cron job, work in one folder: they wait for each other, and nothing is lost.

const ORRERY = join(import.meta.dirname, '..', '..', '..', 'bin', 'orrery')
const DVC = join(pythonBin(), 'dvc')
const run = promisify(execFile)

const boxes: Sandbox[] = []
afterEach(() => {
  for (const box of boxes.splice(0)) box.remove()
})

function started(box: Sandbox, program: string, ...args: string[]): Promise<string> {
  return run(program, args, { cwd: box.root, env: dvcEnvironment() }).then(
    ({ stdout }) => stdout,
    (error: { stdout: string; stderr: string; code: number }) =>
      Promise.reject(
        new Error(`${program} ${args.join(' ')}: ${error.code}\n${error.stdout}${error.stderr}`),
      ),
  )
}

test('several orrery and a dvc at once wait for each other, and all that they did is there', async () => {
  const box = sandbox()
  boxes.push(box)
  box.dvc('init', '-q')
  box.dvc('remote', 'add', '-q', '-d', 'storage', join(box.root, '..', 'storage'))
  const names = ['a', 'b', 'c', 'd', 'e']
  for (const name of names)
    for (let index = 0; index < 20; index++)
      box.write(`${name}/${index}.txt`, `${name} ${index % 7}\n`)
  box.write('source.txt', 'one\n')
  box.write(
    'dvc.yaml',
    'stages:\n  slow: {cmd: sleep 1; cat source.txt > made.txt, deps: [source.txt], outs: [made.txt]}\n',
  )

  await Promise.all([
    started(box, ORRERY, 'repro', '--no-record'),
    started(box, ORRERY, 'add', 'a'),
    started(box, ORRERY, 'add', 'b', 'c'),
    started(box, DVC, 'add', '-q', 'd'),
    started(box, ORRERY, 'add', 'e'),
    started(box, ORRERY, 'status'),
  ])
  await Promise.all([
    started(box, ORRERY, 'push'),
    started(box, ORRERY, 'push', 'a', 'b'),
    started(box, DVC, 'push', '-q', 'c.dvc'),
    started(box, ORRERY, 'checkout'),
    started(box, ORRERY, 'status', '--cloud'),
  ])

  expect(box.dvc('status')).toContain('Data and pipelines are up to date.')
  expect(box.dvc('status', '--cloud')).toContain('are in sync')
  const before = names.map((name) => box.tree(name))
  for (const name of [...names, 'made.txt', '.dvc/cache'])
    rmSync(join(box.root, name), { recursive: true })
  box.dvc('pull', '-q')
  expect(names.map((name) => box.tree(name))).toEqual(before)
  expect(box.read('made.txt')).toBe('one\n')
})

test('a stage waits for whoever works with its paths', async () => {
  const box = sandbox()
  boxes.push(box)
  box.write('.dvc/config', '')
  box.write('dvc.yaml', 'stages:\n  make: {cmd: echo made > made.txt, outs: [made.txt]}\n')
  const other = spawn('sleep', ['60'])
  const locks = {
    read: {},
    write: { [join(box.root, 'made.txt')]: { pid: other.pid, cmd: 'dvc repro' } },
  }
  box.write('.dvc/tmp/rwlock', JSON.stringify(locks))
  const said: string[] = []
  const running = ours(box).pipelines.repro({
    targets: [],
    onEvent: (event) => {
      if (event.kind !== 'progress') return
      said.push(event.text)
      other.kill('SIGKILL')
    },
  })
  expect(await running).toMatchObject({ outcome: 'succeeded' })
  expect(said).toEqual([expect.stringMatching(/waiting: .*made\.txt is in use by `dvc repro`/)])
})
