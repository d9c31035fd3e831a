import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pythonBin } from './python.ts'

/** A Python that has imported what scripts need; each script runs in a copy of it, as if it had just been started. */
export interface PythonHost {
  /** Runs a script after those before it, and gives what it prints last, a line of JSON. Rejects with all its output when it fails. */
  run(script: string, environment?: Readonly<Record<string, string>>): Promise<unknown>
  end(): Promise<void>
}

const HOST = `
import importlib, json, os, sys

for name in json.loads(os.environ["ORRERY_TEST_IMPORTS"]):
    importlib.import_module(name)
print("ready", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        for number, path in ((1, asked["out"]), (2, asked["err"])):
            file = os.open(path, os.O_WRONLY | os.O_CREAT)
            os.dup2(file, number)
            os.close(file)
        os.environ.update(asked["environment"])
        break
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
else:
    sys.exit()
sys.argv = ["-c"]
exec(compile(asked["script"], "<script>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})
`

/** `environment` is what the imports read already; importing MLflow takes longer than most scripts. */
export async function openPythonHost(options: {
  imports: readonly string[]
  environment: Readonly<Record<string, string>>
  bin?: string
}): Promise<PythonHost> {
  const { imports, environment, bin = pythonBin() } = options
  const folder = await mkdtemp(join(tmpdir(), 'orrery-python-'))
  const child = spawn(join(bin, 'python'), ['-c', HOST], {
    env: { ...process.env, ...environment, ORRERY_TEST_IMPORTS: JSON.stringify(imports) },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const nextLine = async () => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('the Python that runs scripts has ended')
    return value
  }
  await nextLine()
  let last: Promise<unknown> = Promise.resolve()
  let scripts = 0

  const runOne = async (script: string, variables: Readonly<Record<string, string>>) => {
    const [out, err] = ['out', 'err'].map((name) => join(folder, `${name}-${scripts}`))
    scripts += 1
    child.stdin.write(`${JSON.stringify({ script, environment: variables, out, err })}\n`)
    const code = await nextLine()
    const [printed, complaints] = await Promise.all(
      [out, err].map((path) => readFile(path ?? '', 'utf8')),
    )
    if (code !== '0') throw new Error(`the script ended with ${code}:\n${printed}\n${complaints}`)
    return JSON.parse(printed?.trim().split('\n').at(-1) ?? 'null') as unknown
  }
  return {
    run: (script, variables = {}) => {
      const mine = last.then(() => runOne(script, variables))
      last = mine.catch(() => undefined)
      return mine
    },
    end: async () => {
      child.stdin.end()
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
