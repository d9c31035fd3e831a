import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setUp } from './setup.mjs'
import { testBrowser } from './steps/browser.mjs'
import { buildDist } from './steps/dist.mjs'
import { testHermeticTools } from './steps/hermetic.mjs'
import { testImageTools } from './steps/images.mjs'
import { tool, toolEnvironment } from './steps/node.mjs'
import { testPrometheus } from './steps/prometheus.mjs'
import { testMlflow2Bin, testMonitorsBin, testPythonBin } from './steps/python.mjs'
import { root } from './steps/places.mjs'
import { testSshServer } from './steps/ssh.mjs'
import { explain } from './steps/step.mjs'
import { buildWeb } from './steps/web.mjs'

// npm test: what is missing, then every check, each of them even when an earlier one failed. The arguments
// choose tests by file name for vitest; the other checks run whole. The last line is the true total.

const filters = process.argv.slice(2)
const totals = { passed: 0, failed: 0, skipped: 0 }

await setUp().catch((error) => {
  console.error(explain(error))
  console.log('\n0 passed, 1 failed')
  process.exit(1)
})

const env = toolEnvironment()
const made = await Promise.allSettled([
  testPythonBin(),
  testBrowser(),
  testMlflow2Bin(),
  buildDist(),
  buildWeb(),
  testImageTools(),
  testSshServer(),
  testHermeticTools(),
  testPrometheus(),
  testMonitorsBin(),
])
for (const result of made)
  if (result.status === 'rejected') {
    totals.failed += 1
    console.log(`failed  setup: ${explain(result.reason)}`)
  }
const [python, browser, mlflow2, dist] = made
const monitors = made.at(-1)
if (python.status === 'fulfilled') env.ORRERY_TEST_PYTHON_BIN = python.value
if (browser.status === 'fulfilled') env.ORRERY_TEST_CHROMIUM = browser.value
if (mlflow2.status === 'fulfilled') env.ORRERY_TEST_MLFLOW2_BIN = mlflow2.value
if (monitors.status === 'fulfilled') env.ORRERY_TEST_MONITORS_BIN = monitors.value
// Commands and servers run as they are installed, which also starts them in a quarter of the time.
if (dist.status === 'fulfilled') env.ORRERY_BUILT = '1'

const checks = [
  { name: 'formatting', command: ['oxfmt', '--check'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { name: 'types', command: ['tsc', '--noEmit'] },
  {
    name: 'types of the page',
    command: ['tsc', '--noEmit', '-p', 'web'],
    needs: 'web/tsconfig.json',
  },
  { name: 'dead code', command: ['knip'] },
]
for (const check of checks) await runCheck(check)
await runTests()

console.log(`checks: ${checks.map(({ name }) => name).join(', ')}`)
console.log(
  `vitest: ${filters.length === 0 ? 'every test' : `only files that match ${filters.join(' ')}`}`,
)
const { passed, failed, skipped } = totals
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(failed > 0 ? 1 : 0)

async function runCheck({ name, command, needs }) {
  if (needs !== undefined && !existsSync(join(root, needs))) {
    totals.skipped += 1
    return console.log(`skipped ${name}: there is no ${needs}`)
  }
  const begunMs = performance.now()
  const { code, output } = await capture(command)
  const seconds = ((performance.now() - begunMs) / 1000).toFixed(1)
  totals[code === 0 ? 'passed' : 'failed'] += 1
  console.log(`${code === 0 ? 'passed ' : 'failed '} ${name} (${seconds} s)`)
  if (code !== 0) console.log(output)
}

async function runTests() {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-test-'))
  const file = join(folder, 'totals.json')
  const code = await launch(['vitest', 'run', ...filters], 'inherit', {
    variables: { ORRERY_TEST_TOTALS: file },
  })
  const counted = existsSync(file)
    ? JSON.parse(await readFile(file, 'utf8'))
    : { passed: 0, failed: 0, skipped: 0 }
  await rm(folder, { recursive: true, force: true })
  for (const key of Object.keys(totals)) totals[key] += counted[key]
  if (counted.passed + counted.failed === 0) {
    totals.failed += 1
    console.log('failed  vitest: it ran no test')
  } else if (code !== 0 && counted.failed === 0) {
    totals.failed += 1
    console.log(`failed  vitest: every test passed, and yet it ended with code ${code}`)
  }
}

async function capture(command) {
  let output = ''
  const keep = (chunk) => (output += chunk)
  const code = await launch(command, 'pipe', {
    watch: (child) => {
      child.stdout.on('data', keep)
      child.stderr.on('data', keep)
    },
  })
  return { code, output: output.trimEnd() }
}

function launch([name, ...args], output, { watch, variables } = {}) {
  return new Promise((resolve) => {
    const child = spawn(tool(name), args, {
      cwd: root,
      env: { ...env, ...variables },
      stdio: ['ignore', output, output],
    })
    // Whoever stops the tests by process number means all that they started.
    const stop = (signal) => {
      child.kill(signal)
      process.exit(1)
    }
    const signals = ['SIGTERM', 'SIGINT', 'SIGHUP']
    for (const signal of signals) process.once(signal, stop)
    const end = (code) => {
      for (const signal of signals) process.off(signal, stop)
      resolve(code ?? 1)
    }
    child.on('error', () => end(1))
    child.on('close', end)
    watch?.(child)
  })
}
