import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Ended {
  readonly code: number
  readonly output: string
  readonly errors: string
}

interface Call {
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

interface Parent {
  readonly child: ChildProcess
  /** Where it puts what its calls printed. */
  readonly folder: string
  calls: number
}

const LOOK_MS = 2
const ENDED_AFTER_MS = 600_000

let parent: Parent | undefined

/**
 * Runs dvc as a process of its own that need not start: it is a fork of one that has loaded dvc and run nothing.
 * To start one takes half a second, most of it for finding modules.
 */
export function dvcCall(bin: string, call: Call): Ended {
  parent ??= parentOf(bin)
  const { child, folder } = parent
  const answer = join(folder, `${parent.calls++}.json`)
  child.stdin?.write(`${JSON.stringify({ ...call, answer })}\n`)
  const until = performance.now() + ENDED_AFTER_MS
  while (!existsSync(answer)) {
    if (hasEnded(child)) throw new Error('the Python that runs dvc has ended')
    if (performance.now() > until) throw new Error(`dvc ${call.args.join(' ')} does not end`)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS)
  }
  const ended = JSON.parse(readFileSync(answer, 'utf8')) as Ended
  rmSync(answer)
  return ended
}

function parentOf(bin: string): Parent {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-dvc-calls-'))
  const child = spawn(join(bin, 'python'), ['-c', FORKS, join(bin, 'dvc'), folder], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  // It ends when nobody writes to it any more; nobody waits for it.
  child.unref()
  ;(child.stdin as unknown as { unref(): void }).unref()
  return { child, folder, calls: 0 }
}

/** Nobody hears of its end while this thread waits, so the machine is asked. */
function hasEnded({ pid }: ChildProcess): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return /^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return true
  }
}

const FORKS = `
import gc, importlib, json, os, shutil, sys
program, folder = sys.argv[1:]
from dvc.cli import main
from dvc.cli.parser import get_main_parser
get_main_parser()
for name in ('dvc.repo.reproduce', 'dvc.stage.run', 'dvc.stage.cache', 'dvc.parsing', 'dvc.dependency', 'dvc.output',
             'dvc.data_cloud', 'dvc.repo.experiments', 'dvc.repo.metrics.show', 'dvc.repo.plots', 'dvc.repo.index',
             'dvc.ui', 'dvc.utils.serialize', 'dvc.testing', 'dvc_data.index', 'scmrepo.git', 'dulwich.repo', 'pygit2', 'rich.table'):
    try: importlib.import_module(name)
    except ImportError: pass
gc.collect()
gc.freeze()

def run(call, out, err):
    os.chdir(call['cwd'])
    os.environ.clear()
    os.environ.update(call['env'])
    os.environ['PWD'] = call['cwd']
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (out, 1), (err, 2)): os.dup2(source, target)
    sys.argv = [program, *call['args']]
    sys.exit(main(call['args']))

def read(path):
    with open(path, 'rb') as file: text = file.read().decode('utf8', 'replace')
    os.unlink(path)
    return text

for line in sys.stdin:
    call = json.loads(line)
    paths = [call['answer'] + end for end in ('.out', '.err')]
    out, err = [os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600) for path in paths]
    pid = os.fork()
    if pid == 0: run(call, out, err)
    os.close(out)
    os.close(err)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    ended = {'code': code, 'output': read(paths[0]), 'errors': read(paths[1])}
    with open(call['answer'] + '.part', 'w') as file: json.dump(ended, file)
    os.rename(call['answer'] + '.part', call['answer'])
shutil.rmtree(folder, ignore_errors=True)
`
