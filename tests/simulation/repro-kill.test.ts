import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWorkspace } from '#app/project/workspace'
import { sandbox, type Sandbox } from '../conformance/dvc/support.ts'
import { runCommand } from '../support/command.ts'
import { MAIN } from '../support/orrery.ts'
import { startFamily } from '../support/process.ts'
import { chanceOf } from '../support/random.ts'
import { damagedIn, lackingIn } from './data/tree.ts'

// A failure is played again with its seed: ORRERY_REPRO_KILL_SEED=… npx vitest run tests/simulation/repro-kill.test.ts
const ROUNDS = Number(process.env['ORRERY_REPRO_KILL_ROUNDS'] ?? 2)
const SEED = Number(process.env['ORRERY_REPRO_KILL_SEED'] ?? 4211)
const SIDES = ['left', 'right', 'middle']
const COMMAND = ['repro', '--jobs', '3', '--no-record']

/** Each stage notes outside of the project that it ran; the sides run at the same time. */
const side = (name: string) => `
  ${name}:
    cmd:
    - echo ${name} >> $LOG; mkdir -p ${name}; for n in 1 2 3 4 5 6 7 8; do echo \${${name}} $n ${name} > ${name}/$n.txt; sleep 0.01; done
    - sleep 0.05; cat ${name}/*.txt > ${name}.txt; tail -c 100 ${name}.txt >> ${name}.txt
    params: [${name}]
    outs: [${name}, ${name}.txt]`
const PIPELINE = `stages:${SIDES.map(side).join('')}
  join:
    cmd: 'echo join >> $LOG; echo half > all.txt; sleep 0.05; cat left.txt right.txt middle.txt > all.txt; echo "{\\"bytes\\": $(wc -c < all.txt)}" > sizes.json'
    deps: [left.txt, right.txt, middle.txt]
    outs: [all.txt]
    metrics: [{sizes.json: {cache: false}}]
  tell:
    cmd: echo tell >> $LOG; cat all.txt left/3.txt > told.txt
    deps: [all.txt, left]
    outs: [told.txt]
`

const chance = chanceOf(SEED)
let box: Sandbox
let twin: Sandbox
let log: string
let kills = 0

beforeAll(() => {
  box = sandbox()
  twin = sandbox()
  log = join(box.root, '..', 'log')
  for (const each of [box, twin]) {
    each.write('.dvc/config', '')
    each.write('.dvc/.gitignore', '/config.local\n/tmp\n/cache\n')
    each.write('dvc.yaml', PIPELINE)
  }
})
afterAll(() => {
  console.log(`${kills} commands were killed at work in ${ROUNDS} rounds (seed ${SEED})`)
  for (const each of [box, twin]) each.remove()
})

const words = () => SIDES.map((name) => `${name}: ${chance.word(chance.between(3, 40))}\n`).join('')

describe(
  `repro, killed at random moments in ${ROUNDS} rounds (seed ${SEED})`,
  {
    timeout: 60_000 + ROUNDS * 30_000,
  },
  () => {
    test('leaves lock and cache sound, loses no old output, and ends as an undisturbed one', async () => {
      let old = words()
      box.write('params.yaml', old)
      writeFileSync(log, '')
      await ended()
      let expected = await undisturbed()
      expect(standing(box)).toEqual(expected)
      for (let round = 0; round < ROUNDS; round++) {
        const where = { round, seed: SEED }
        const next = words()
        box.write('params.yaml', next)
        for (let left = chance.between(1, 3); left > 0 && !(await killed()); left--)
          expectSound(where)
        // Who thinks better of it has all of the old outputs, and nothing has to run for them.
        if (chance.next() < 0.4) {
          box.write('params.yaml', old)
          writeFileSync(log, '')
          await ended()
          expect({ ...where, ran: readFileSync(log, 'utf8') }).toEqual({ ...where, ran: '' })
          expect({ ...where, ...standing(box) }).toEqual({ ...where, ...expected })
          continue
        }
        await ended()
        old = next
        expected = await undisturbed()
        expect({ ...where, ...standing(box) }).toEqual({ ...where, ...expected })
        expect({ ...where, status: box.dvc('status', '--json').trim() }).toEqual({
          ...where,
          status: '{}',
        })
      }
      const aside = join(box.root, '.dvc/tmp/orrery')
      expect(
        existsSync(aside) ? Object.keys(box.tree('.dvc/tmp/orrery')).filter(isAside) : [],
      ).toEqual([])
    })
  },
)

const isAside = (path: string) => path.includes('journal.json') || path.includes('group.json')

/** The command to its end. */
async function ended(): Promise<void> {
  const { code, out, err } = await runCommand(box.root, COMMAND, { LOG: log })
  expect({ code, err, out }).toMatchObject({ code: 0, err: '' })
}

/** Lets the command begin and kills it, alone or with all that it started; whether it was done before. */
async function killed(): Promise<boolean> {
  writeFileSync(log, '')
  const family = startFamily(process.execPath, [MAIN, ...COMMAND], {
    folder: box.root,
    environment: { LOG: log },
  })
  family.stdout.resume()
  const end: { status?: number | null } = {}
  void family.exited.then((status) => (end.status = status))
  // However slow the machine is: so many stages have begun, and then a moment more.
  const begun = chance.between(0, SIDES.length + 3)
  const soon = performance.now() + BEGUN_MS_MAX
  while (end.status === undefined && performance.now() < soon && linesOf(log) < begun)
    await sleep(5)
  await Promise.race([family.exited, sleep(chance.next() * 200)])
  const isDone = end.status === 0
  if (!isDone) kills++
  // Stages that outlive the command go on writing until the next one ends them.
  if (chance.next() < 0.5) family.signal('SIGKILL')
  else await family.end()
  await family.exited
  return isDone
}

const BEGUN_MS_MAX = 60_000

const linesOf = (file: string) => readFileSync(file, 'utf8').split('\n').length - 1

/** Whatever was cut off, what is there is whole, and dvc can read it. */
function expectSound(where: object): void {
  const objects = join(box.root, '.dvc/cache/files/md5')
  expect({ ...where, damaged: damagedIn(objects) }).toEqual({ ...where, damaged: [] })
  expect({ ...where, lacking: lackingIn(objects) }).toEqual({ ...where, lacking: [] })
  expect(JSON.parse(box.dvc('status', '--json'))).toBeTypeOf('object')
}

/** What the same sources give where nobody is killed. */
async function undisturbed() {
  copyFileSync(join(box.root, 'params.yaml'), join(twin.root, 'params.yaml'))
  const variables = { ...process.env, LOG: join(twin.root, '..', 'log') }
  mkdirSync(join(twin.root, '..', 'environments'), { recursive: true })
  const environments = join(twin.root, '..', 'environments')
  const { outcome } = await openWorkspace(twin.root, { variables, environments }).pipelines.repro({
    targets: ['dvc.yaml'],
  })
  expect(outcome).toBe('succeeded')
  return standing(twin)
}

function standing({ root, read, tree }: Sandbox) {
  const files = [
    'dvc.lock',
    'all.txt',
    'told.txt',
    'sizes.json',
    ...SIDES.map((name) => `${name}.txt`),
  ]
  return {
    files: Object.fromEntries(files.map((file) => [file, read(file)])),
    folders: Object.fromEntries(SIDES.map((name) => [name, tree(name)])),
    ignored: existsSync(join(root, '.gitignore')) ? read('.gitignore').split('\n').toSorted() : [],
  }
}
