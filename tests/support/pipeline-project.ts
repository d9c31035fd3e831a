import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A project in Git whose stages take their time, wait for approval, fail tests and print what nobody should trust. */
export interface PipelineProject {
  readonly origin: string
  /** Lets the stage that waits for it go on. */
  go(): Promise<void>
  remove(): Promise<void>
}

/** What a stage prints to do harm: markup, colours, and half a megabyte in one line. */
export const HOSTILE = '<img src=x onerror=alert(1)><script>alert(2)</script>'

export async function pipelineProject(): Promise<PipelineProject> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-pipelines-'))
  const origin = join(folder, 'origin')
  await mkdir(join(origin, '.dvc'), { recursive: true })
  for (const [path, text] of Object.entries(filesOf(folder)))
    await writeFile(join(origin, path), text)
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@localhost', ...args], {
      cwd: origin,
    })
  git('init', '--quiet', '--initial-branch=main')
  git('add', '--all')
  git('commit', '--quiet', '--message', 'Start')
  return {
    origin,
    go: () => writeFile(join(folder, 'go'), ''),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

function filesOf(folder: string): Record<string, string> {
  return {
    'orrery.yaml': 'project: runs\n',
    'dvc.yaml': PIPELINE,
    'params.yaml': 'depth: 3\n',
    'raw.txt': 'raw\n',
    'slow.sh': `echo begun; for i in $(seq 200); do [ -e ${folder}/go ] && break; echo tick $i; sleep 0.2; done; echo ended\n`,
    'loud.sh': `printf '%s\\n' '${HOSTILE}'; printf '\\033[31mred\\033[0m and \\033]0;title\\007plain\\n'; head -c 500000 /dev/zero | tr '\\0' x; echo; seq 5000\n`,
    'report.xml': REPORT,
    '.dvc/config': '',
    '.dvc/.gitignore': '/config.local\n/tmp\n/cache\n',
    '.gitignore': '/clean.txt\n/slow.txt\n/deployed.txt\n/tests.xml\n',
  }
}

const PIPELINE = `stages:
  clean:
    cmd: cp raw.txt clean.txt; sh loud.sh
    deps: [raw.txt, loud.sh]
    outs: [clean.txt]
  slow:
    cmd: sh slow.sh; cp clean.txt slow.txt
    deps: [clean.txt, slow.sh]
    params: [depth]
    outs: [slow.txt]
  deploy:
    cmd: cp clean.txt deployed.txt
    deps: [clean.txt]
    outs: [deployed.txt]
    meta: { approval: { message: "Deploy it to all shops?" } }
  tests:
    cmd: cp report.xml tests.xml; exit 1
    deps: [clean.txt, report.xml]
    outs: [tests.xml]
`

const REPORT = `<testsuite name="rows"><testcase name="no nulls" time="0.5"/><testcase name="no twins"><failure message="3 twins &lt;b&gt;here&lt;/b&gt;"/></testcase></testsuite>`
