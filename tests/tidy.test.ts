import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  everyFolderIsARoom,
  featuresKnowNoProtocolAndNoStore,
  filesAreShort,
  importsOf,
  LINES_MAX,
  noAddressOfARegistry,
  noPathOfAMachine,
  noTestIsSetAside,
  relativeImportsStayInTheirFolder,
  roomsImportOnlyWhatTheyMay,
  screensAreIndependent,
  theMapShowsTheHouse,
  thePageImportsOnlyTypesOfTheApi,
  timeChanceAndEnvironmentAreParameters,
  type Rule,
  type SourceFile,
} from './support/tidy.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const tree = trackedText()

// Put together here, so that this file keeps the rules too.
const host = ['regis', 'try'].join('')
const skip = ['sk', 'ip'].join('')
const index = ['py', 'pi'].join('')
const resolved = ['"resol', 'ved"'].join('')

interface Case {
  sentence: string
  rule: Rule
  /** Each breaks the rule. */
  bad: readonly SourceFile[]
  /** Each looks close to breaking it and does not. */
  good: readonly SourceFile[]
}

const cases: readonly Case[] = [
  {
    sentence: 'a room imports only what the table allows, and a feature only features above it',
    rule: roomsImportOnlyWhatTheyMay,
    bad: [
      file('src/base/clock.ts', `import { createLedger } from '#ledger'`),
      file('src/features/tracking/run.ts', `import type { Model } from '#registry'`),
      file('src/features/tracking/run.ts', `import { openSqlStore } from '#stores/sql/index'`),
      file('src/features/tracking/run.ts', `import { tracking } from '#tracking'`),
      file('src/features/gossip/run.ts', `import { work } from '#work'`),
      file('src/protocols/mlflow/routes.ts', `import {\n  a,\n  b,\n} from '#stores/sql/index'`),
      file('src/protocols/mlflow/routes.ts', `export { a } from '#protocols/api/errors'`),
      file('src/stores/sql/runs.ts', `const wire = await import('#app/server')`),
      file('src/app/server.ts', `import { runStoreSuite } from '#suites/tracking'`),
      file('src/cli/main.ts', `import { openSqlStore } from '#stores/sql/index'`),
    ],
    good: [
      file('src/features/registry/model.ts', `import type { Run } from '#tracking'`),
      file('src/app/server.ts', `import { openSqlStore } from '#stores/sql/index'`),
      file('src/stores/sql/runs.test.ts', `import { runStoreSuite } from '#suites/tracking'`),
      file('src/base/clock.ts', `// import { createLedger } from '#ledger'`),
    ],
  },
  {
    sentence: 'a relative import stays in its folder',
    rule: relativeImportsStayInTheirFolder,
    bad: [
      file('src/features/tracking/run.ts', `import { x } from '../registry/model.ts'`),
      file('src/features/tracking/deep/run.ts', `import { x } from '../../registry/model.ts'`),
      file('src/stores/sql/runs.ts', `import { x } from '../objects/local.ts'`),
      file('tests/journeys/loop.test.ts', `import { x } from '../../src/app/server.ts'`),
      file('web/src/main.tsx', `import { x } from '../../src/protocols/api/index.ts'`),
    ],
    good: [
      file('src/stores/sql/migrations/index.ts', `import type { Migration } from '../migrate.ts'`),
      file('src/cli/commands/up.ts', `import { command } from '../command.ts'`),
      file('bench/start.bench.ts', `import { startServer } from '../tests/support/server.ts'`),
    ],
  },
  {
    sentence: 'a feature knows no HTTP, no SQL, no file and no file format',
    rule: featuresKnowNoProtocolAndNoStore,
    bad: [
      file('src/features/tracking/run.ts', `import Fastify from 'fastify'`),
      file('src/features/tracking/run.ts', `import { sql } from 'kysely'`),
      file('src/features/data/read.ts', `import { readFile } from 'node:fs/promises'`),
      file('src/features/pipelines/read.ts', `import { parse } from 'yaml'`),
    ],
    good: [
      file('src/features/tracking/run.test.ts', `import { mkdtemp } from 'node:fs/promises'`),
      file('src/stores/sql/runs.ts', `import { sql } from 'kysely'`),
      file('src/features/ledger/note.ts', `import { createHash } from 'node:crypto'`),
    ],
  },
  {
    sentence: 'the page imports nothing of the server but types of its API',
    rule: thePageImportsOnlyTypesOfTheApi,
    bad: [
      file('web/src/api/client.ts', `import { Run } from '#protocols/api/runs'`),
      file('web/src/api/client.ts', `import type { Run } from '#tracking'`),
    ],
    good: [file('web/src/api/client.ts', `import type { Run } from '#protocols/api/runs'`)],
  },
  {
    sentence:
      'a screen knows no other screen, and of what screens share none knows them or one another',
    rule: screensAreIndependent,
    bad: [
      file('web/src/pages/runs/table.tsx', `import { Model } from '#web/pages/models/model.tsx'`),
      file('web/src/pages/runs/table.tsx', `import { Model } from '../models/model.tsx'`),
      file('web/src/ui/card.tsx', `import { Run } from '../pages/runs/run.tsx'`),
      file('web/src/charts/line.tsx', `import { useRuns } from '#web/api/runs.ts'`),
      file('web/src/api/run.ts', `import type { Station } from '#web/ui/stations.tsx'`),
    ],
    good: [
      file('web/src/pages/runs/table.tsx', `import { Row } from './row.tsx'`),
      file('web/src/pages/runs/table.tsx', `import { useRuns } from '#web/api/runs.ts'`),
      file('web/src/app.tsx', `import { Runs } from './pages/runs/route.tsx'`),
      file('web/src/ui/list.tsx', `import type { Run } from '#protocols/api/runs-wire'`),
      file('web/src/api/run.ts', `import type { Run } from '#protocols/api/runs-wire'`),
    ],
  },
  {
    sentence: 'time, chance and the environment are parameters',
    rule: timeChanceAndEnvironmentAreParameters,
    bad: [
      file('src/features/work/lease.ts', 'const until = Date.now() + 30'),
      file('src/features/work/lease.ts', 'const now = new Date()'),
      file('src/stores/sql/pick.ts', 'if (Math.random() < 0.5) return'),
      file('src/cli/main.ts', `const token = process.env['TOKEN']`),
    ],
    good: [
      file('src/base/clock.ts', 'const now = Date.now()'),
      file('src/features/work/lease.ts', '// never Date.now() here'),
      file('src/features/work/lease.ts', 'const day = new Date(nowMs)'),
      file('src/features/work/lease.test.ts', 'const until = Date.now()'),
    ],
  },
  {
    sentence: `no file has more than ${LINES_MAX} lines`,
    rule: filesAreShort,
    bad: [file('src/app/server.ts', 'x\n'.repeat(LINES_MAX + 1))],
    good: [
      file('src/app/server.ts', 'x\n'.repeat(LINES_MAX)),
      file('docs/long.md', 'x\n'.repeat(LINES_MAX + 1)),
    ],
  },
  {
    sentence: 'no test is set aside',
    rule: noTestIsSetAside,
    bad: ['skip', 'only', 'todo', 'concurrent.skip'].map((word) =>
      file('src/app/server.test.ts', `  test.${word}('starts', () => {})`),
    ),
    good: [
      file('src/app/server.test.ts', `test('the only one', () => {})`),
      file('src/app/server.test.ts', `// describe.${skip} hides a failure`),
    ],
  },
  {
    sentence: 'no file names a path of the machine where it was written',
    rule: noPathOfAMachine,
    bad: ['home', 'root', 'work', 'tmp', 'Users'].map((top) =>
      file('docs/start.md', `Look into ["/${top}/ada/orrery"].`),
    ),
    good: [
      file('docs/start.md', 'See https://example.org/work/orrery and src/work/lease.'),
      file('docs/start.md', '`$HOME/work/x`, ~/tmp/x, a/home/x'),
    ],
  },
  {
    sentence: 'no file names the host of a package registry',
    rule: noAddressOfARegistry,
    bad: [
      file('.npmrc', `registry=https://${host}.example.org/`),
      file('tests/requirements.txt', `--index-url https://${index}.example.org/simple`),
      file('package-lock.json', `      ${resolved}: "https://mirror.example.org/a.tgz",`),
    ],
    good: [
      file('package-lock.json', '      "version": "1.0.0",'),
      file('docs/start.md', 'https://example.org/registry'),
    ],
  },
  {
    sentence:
      'ARCHITECTURE.md has a line for every room, feature, protocol, store and folder of app, in order',
    rule: theMapShowsTheHouse,
    bad: [
      file('src/app/server.ts', ''),
      file('src/features/ledger/index.ts', ''),
      file('src/stores/sql/index.ts', ''),
      file('src/app/home/keys.ts', ''),
      file('ARCHITECTURE.md', '| `tracking` | runs |\n| `ledger` | facts |'),
    ],
    good: [file('ARCHITECTURE.md', '| `ledger` | facts |\n| `tracking` | runs |')],
  },
  {
    sentence: 'src has no folder that the table does not know',
    rule: everyFolderIsARoom,
    bad: [file('src/utils/strings.ts', '')],
    good: [file('src/base/ids.ts', '')],
  },
]

describe.each(cases)('$sentence', ({ rule, bad, good }) => {
  test('in this tree', () => {
    expect(rule(tree)).toEqual([])
  })

  test.each(bad)('and $path breaks it: $text', (each) => {
    expect(rule([each])).not.toEqual([])
  })

  test.each(good)('and $path keeps it: $text', (each) => {
    expect(rule([each])).toEqual([])
  })
})

test('the rules see the tree: its files and what they import', () => {
  expect(tree.length).toBeGreaterThan(100)
  const byName = tree
    .filter(({ path }) => path.startsWith('src/'))
    .flatMap(({ text }) => importsOf(text))
    .filter(({ target }) => target.startsWith('#'))
  expect(byName.length).toBeGreaterThan(100)
})

function file(path: string, text: string): SourceFile {
  return { path, text }
}

/** What Git tracks or would track, without the files that are not text. */
function trackedText(): SourceFile[] {
  const listed = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    },
  )
  return [...new Set(listed.split('\0'))]
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .map((path) => file(path, readFileSync(join(root, path), 'latin1')))
    .filter(({ text }) => !text.slice(0, 8192).includes('\0'))
}
