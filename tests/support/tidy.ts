import { posix } from 'node:path'

/** A tracked file as the rules see it. */
export interface SourceFile {
  path: string
  text: string
}

/** A rule reads files and answers with a sentence for each place that breaks it. */
export type Rule = (files: readonly SourceFile[]) => string[]

/** The features, in the order in which they may know each other: a lower one knows the doors above it. */
export const FEATURES = [
  'ledger',
  'objects',
  'access',
  'work',
  'replicas',
  'statistics',
  'sketches',
  'projects',
  'datastores',
  'data',
  'tables',
  'contracts',
  'stages',
  'tracking',
  'traces',
  'evaluation',
  'pipelines',
  'datasets',
  'elsewhere',
  'registry',
  'webhooks',
  'inference',
  'serving',
  'usage',
  'rollouts',
  'explanations',
  'drift',
  'performance',
  'monitoring',
  'alerting',
  'shipping',
  'replay',
  'governance',
  'lineage',
  'automation',
  'retention',
]

/** What each room may import by name; inside its own folder a file imports by relative path. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  features: ['base', 'features'],
  protocols: ['base', 'features'],
  stores: ['base', 'features'],
  executors: ['base', 'features'],
  runtimes: ['base', 'features', 'runtimes'],
  app: ['base', 'features', 'protocols', 'stores', 'executors', 'runtimes', 'app'],
  cli: ['base', 'features', 'protocols', 'app'],
}

export const roomsImportOnlyWhatTheyMay: Rule = (files) =>
  files.filter(isProductCode).flatMap(({ path, text }) =>
    importsOf(text)
      .filter(({ target }) => target.startsWith('#'))
      .flatMap(({ target }) => {
        const objection = objectionTo(path, target)
        return objection === undefined ? [] : [`${path} imports ${target}: ${objection}`]
      }),
  )

function objectionTo(path: string, target: string): string | undefined {
  const [, room = '', name = ''] = path.split('/')
  const [targetRoom, feature] = doorOf(target)
  if (targetRoom === 'suites') return 'a suite of laws is for tests'
  const allowed = MAY_IMPORT[room]
  if (allowed === undefined) return `src/${room} is not a room of the house`
  if (!allowed.includes(targetRoom)) return `${room} may import ${allowed.join(', ') || 'nothing'}`
  if (room !== 'features' || targetRoom !== 'features') return undefined
  const [own, other] = [FEATURES.indexOf(name), FEATURES.indexOf(feature)]
  if (own === -1 || other === -1) return `${own === -1 ? name : feature} is not in the order`
  return other < own ? undefined : `${feature} is not above ${name} in the order of the features`
}

function doorOf(target: string): [room: string, feature: string] {
  const [first = '', ...rest] = target.slice(1).split('/')
  return rest.length === 0 ? ['features', first] : [first, '']
}

export const relativeImportsStayInTheirFolder: Rule = (files) =>
  files.filter(isCode).flatMap(({ path, text }) =>
    importsOf(text)
      .filter(({ target }) => target.startsWith('.'))
      .map(({ target }) => ({ target, file: posix.join(posix.dirname(path), target) }))
      .filter(({ file }) => !isInside(file, homeOf(path)) && !isSharedSupport(path, file))
      .map(({ target }) => `${path} imports ${target}, which is outside ${homeOf(path)}`),
  )

function homeOf(path: string): string {
  const parts = path.split('/')
  const isFlat = parts[0] !== 'src' || ['base', 'app', 'cli'].includes(parts[1] ?? '')
  return parts.slice(0, parts[0] === 'src' ? (isFlat ? 2 : 3) : 1).join('/')
}

function isInside(file: string, folder: string): boolean {
  return file.startsWith(`${folder}/`)
}

function isSharedSupport(path: string, file: string): boolean {
  const mayUseIt = path.startsWith('bench/') || path.endsWith('.test.ts')
  return mayUseIt && file.startsWith('tests/support/')
}

/** Libraries and modules that speak a protocol, keep data or read a file format. */
const OF_THE_WORLD =
  /^(fastify|@fastify\/.*|kysely|better-sqlite3|pg|@aws-sdk\/.*|@duckdb\/.*|yaml|smol-toml|yargs|onnxruntime-.*|node:(http2?|https|net|fs|fs\/promises|child_process|sqlite))$/

export const featuresKnowNoProtocolAndNoStore: Rule = (files) =>
  files
    .filter((file) => isProductCode(file) && file.path.startsWith('src/features/'))
    .flatMap(({ path, text }) =>
      importsOf(text)
        .filter(({ target }) => OF_THE_WORLD.test(target))
        .map(({ target }) => `${path} imports ${target}: put it behind a port`),
    )

export const thePageImportsOnlyTypesOfTheApi: Rule = (files) =>
  files.filter(isOfThePage).flatMap(({ path, text }) =>
    importsOf(text)
      .filter(({ target }) => target.startsWith('#') && !target.startsWith('#web/'))
      .filter(({ target, typeOnly }) => !typeOnly || !target.startsWith('#protocols/api/'))
      .map(({ target }) => `${path} imports ${target}: only types of protocols/api`),
  )

/** A screen imports no other screen; what all share (`api`, `charts`, `ui`) knows no screen, and a chart knows no data. */
export const screensAreIndependent: Rule = (files) =>
  files.filter(isOfThePage).flatMap(({ path, text }) =>
    importsOf(text)
      .map(({ target }) => ({ target, file: pageFile(path, target) }))
      .filter(({ file }) => isOtherScreen(path, file) || knowsTooMuch(path, file))
      .map(
        ({ target }) =>
          `${path} imports ${target}: put what both need into charts, ui or api; types that ui and api share are those of protocols/api`,
      ),
  )

function isOfThePage(file: SourceFile): boolean {
  return isCode(file) && file.path.startsWith('web/src/')
}

function pageFile(path: string, target: string): string {
  if (target.startsWith('.')) return posix.join(posix.dirname(path), target)
  return target.replace(/^#web\//, 'web/src/')
}

function isOtherScreen(path: string, file: string): boolean {
  const screen = /^web\/src\/pages\/[^/]+/.exec(path)?.[0]
  return screen !== undefined && file.startsWith('web/src/pages/') && !file.startsWith(screen)
}

function knowsTooMuch(path: string, file: string): boolean {
  const isPicture = /^web\/src\/(charts|ui)\//.test(path)
  const isOfApi = path.startsWith('web/src/api/')
  return (
    ((isPicture || isOfApi) && file.startsWith('web/src/pages/')) ||
    (isPicture && file.startsWith('web/src/api/')) ||
    (isOfApi && /^web\/src\/(charts|ui)\//.test(file))
  )
}

const OUTSIDE_WORLD = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.env\b/

/** Where the world comes in, and is then a parameter. */
const WORLD_MAY_ENTER = new Set([
  'src/base/clock.ts',
  'src/base/ids.ts',
  'src/app/settings/environment.ts',
])

export const timeChanceAndEnvironmentAreParameters: Rule = (files) =>
  files
    .filter((file) => isProductCode(file) && !WORLD_MAY_ENTER.has(file.path))
    .flatMap(({ path, text }) =>
      linesThat(withoutComments(text), OUTSIDE_WORLD).map(
        ({ line, found }) => `${path}:${line} uses ${found}: take it as a parameter`,
      ),
    )

export const LINES_MAX = 500

export const filesAreShort: Rule = (files) =>
  files
    .filter(isCode)
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > LINES_MAX)
    .map(({ path, lines }) => `${path} has ${lines} lines: split it by its nouns`)

const SET_ASIDE = /\b(?:test|it|describe|suite)(?:\.\w+)*\.(?:skip|only|todo)\b/

export const noTestIsSetAside: Rule = (files) =>
  files
    .filter(({ path }) => /\.(test|suite)\.tsx?$/.test(path))
    .flatMap(({ path, text }) =>
      linesThat(withoutComments(text), SET_ASIDE).map(
        ({ line, found }) => `${path}:${line} ${found}`,
      ),
    )

// Only at the start of a path: an address such as example.org/work/x is not one.
const MACHINE_PATH = /(?<![\w.\-/:}~])\/(?:home|root|work|tmp|Users)\/\w[\w./-]*/

export const noPathOfAMachine: Rule = (files) =>
  files.flatMap(({ path, text }) =>
    linesThat(text, MACHINE_PATH).map(({ line, found }) => `${path}:${line} names ${found}`),
  )

const REGISTRY =
  /https?:\/\/[^\s"'/]*(?:registry|npmjs|pypi|pythonhosted|artifactory|nexus|verdaccio)[^\s"'/]*/i

export const noAddressOfARegistry: Rule = (files) =>
  files.flatMap(({ path, text }) =>
    [...linesThat(text, REGISTRY), ...resolvedLines(path, text)].map(
      ({ line, found }) => `${path}:${line} names ${found}`,
    ),
  )

function resolvedLines(path: string, text: string): Match[] {
  return path.endsWith('package-lock.json') ? linesThat(text, /"resolved": "https?:.*/) : []
}

/** The map names every room, feature, protocol, store and folder of app, and the features in their order. */
export const theMapShowsTheHouse: Rule = (files) => {
  const map = files.find(({ path }) => path === 'ARCHITECTURE.md')?.text ?? ''
  const unnamed = foldersToShow(files)
    .filter(({ label }) => !map.includes(`| \`${label}\` |`))
    .map(({ folder }) => `ARCHITECTURE.md has no line for ${folder}`)
  const shown = [...map.matchAll(/^\| `([a-z]+)` \|/gm)]
    .map(([, name = '']) => name)
    .filter((name) => FEATURES.includes(name))
  const inOrder = shown.toSorted((a, b) => FEATURES.indexOf(a) - FEATURES.indexOf(b))
  const disorder = shown.filter((name, index) => name !== inOrder[index]).slice(0, 1)
  return [...unnamed, ...disorder.map((name) => `ARCHITECTURE.md lists ${name} out of order`)]
}

function foldersToShow(files: readonly SourceFile[]): { folder: string; label: string }[] {
  const code = files.filter((file) => isCode(file) && file.path.startsWith('src/'))
  const rooms = code.map(({ path }) => path.split('/')[1] ?? '')
  const named = code
    .map(({ path }) => path.split('/'))
    .filter((parts) => parts.length > 3)
    .map((parts) => parts.slice(1, 3))
    .filter(([room = '']) => ['features', 'protocols', 'stores', 'app'].includes(room))
    .map(([room = '', name = '']) => `${room}/${name}`)
  return [
    ...[...new Set(rooms)].map((room) => ({ folder: `src/${room}`, label: `src/${room}` })),
    ...[...new Set(named)].map((name) => ({
      folder: `src/${name}`,
      label: name.replace(/^features\//, ''),
    })),
  ]
}

export const everyFolderIsARoom: Rule = (files) => {
  const rooms = files
    .filter(({ path }) => path.startsWith('src/'))
    .map(({ path }) => path.split('/')[1] ?? '')
  return [...new Set(rooms)]
    .filter((room) => MAY_IMPORT[room] === undefined)
    .map((room) => `src/${room} is not a room of the house`)
}

interface Import {
  target: string
  typeOnly: boolean
}

const STATIC_IMPORT =
  /^[ \t]*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+|)['"]([^'"\n]+)['"]/gm
const DYNAMIC_IMPORT = /(typeof\s+)?\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g

/** Everything that a file imports, dynamic imports too. */
export function importsOf(text: string): Import[] {
  const code = withoutComments(text)
  return [...code.matchAll(STATIC_IMPORT), ...code.matchAll(DYNAMIC_IMPORT)].map(
    ([, typeOnly, target = '']) => ({ target, typeOnly: typeOnly !== undefined }),
  )
}

interface Match {
  line: number
  found: string
}

function linesThat(text: string, pattern: RegExp): Match[] {
  return text.split('\n').flatMap((content, index) => {
    const found = pattern.exec(content)?.[0]
    return found === undefined ? [] : [{ line: index + 1, found }]
  })
}

/** The code with its comments blanked; lines keep their numbers, and an address in a string keeps its slashes. */
function withoutComments(text: string): string {
  return text
    .replace(/(?<=^|\s)\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(?<=^|\s)\/\/.*$/gm, '')
}

function isCode({ path }: SourceFile): boolean {
  return /^(src|web|tests|bench|scripts)\/.*\.(ts|tsx|mjs)$/.test(path)
}

function isProductCode(file: SourceFile): boolean {
  return isCode(file) && file.path.startsWith('src/') && !/\.(test|suite)\.ts$/.test(file.path)
}
