import { builtinModules } from 'node:module'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { rolldown } from 'rolldown'
import { root } from './steps/places.mjs'

// A step of scripts/build.mjs. Puts Orrery's own code and most of the JavaScript that it uses into few files: a server
// that loads two thousand modules spends its start on finding them. What is imported when it is needed stays apart.

const src = join(root, 'src')
const dist = join(root, 'dist')

/** What is started by its path: from the command line, as a process or as a thread. */
const ENTRIES = [
  'cli/main',
  'app/judging/thread',
  'app/pipelines/pipeline-process',
  'stores/dvc/crew/thread',
]

/** What also goes into images that answer for one model: it shares no file with the rest, which would come along. */
const ENTRIES_OF_IMAGES = [
  'app/plane/process',
  'app/plane/watchdog',
  'app/standalone/main',
  'runtimes/onnx/process',
  'runtimes/onnx/watchdog',
]

/**
 * Packages that stay as they are installed: with native parts, with files that they look for beside themselves,
 * that find what they need by name at run time, or so large and so seldom needed that they are better left alone.
 */
const LEFT_ALONE =
  /^(?:better-sqlite3|onnxruntime-|@duckdb\/|ssh2|cpu-features|pg(?:$|\/|-)|@aws-sdk\/|@smithy\/|cephes|hyparquet-compressors)/

const VEGA = ['vega', 'vega-lite', 'vega-embed']
const INSIDE_VEGA =
  /^(?:vega(?:-|$)|d3-|topojson-client$|internmap$|delaunator$|robust-predicates$|fast-json-patch$|json-stringify-pretty-compact$|semver$|tslib$)/

/**
 * What short commands load is kept together, each with all that it needs: to find, read and link a file costs more
 * than most that is in it. A module is in the first of these that needs it, so that a thread loads no commands.
 */
const TOGETHER = {
  base: ['base/problem', 'base/disk'],
  // Not the threads' own files: those who share this would take up threads' work.
  crew: ['stores/dvc/crew/trades'],
  settings: [
    'cli/command',
    'cli/settings',
    'cli/place',
    'cli/say',
    'app/project/option',
    'app/project/remotes',
    'app/project/ignore',
  ],
  everyday: [
    'cli/commands/status',
    'cli/commands/add',
    'cli/commands/checkout',
    'cli/commands/diff',
    'cli/commands/push',
    'cli/commands/pull',
    'cli/commands/repro',
    'cli/commands/data',
    'cli/workspace',
    'cli/imports',
    'cli/sharing',
    'protocols/dvc/status',
    'protocols/dvc/diff',
    'protocols/dvc/data-status',
    'cli/adding',
    'cli/recording',
    'cli/repro-output',
    'stores/dvc/arrivals',
  ],
}

const GROUPS = Object.entries(TOGETHER).map(([name, modules], at, { length }) => ({
  name,
  priority: length - at,
  test: (id) => modules.some((module) => id === join(src, `${module}.ts`)),
}))

/** Where the code finds what the command line says in other languages. */
const TRANSLATIONS = "(import.meta.dirname + '/../cli/locales')"

/** Where it finds a manifest at once; else it reads folder after folder, up to the root of the disk. */
const MANIFEST_FOLDER = "(import.meta.dirname + '/..')"

/** Writes the code into `dist/code`, and at the place of each entry a file that leads there; gives what it took in. */
async function bundle(entries, groups) {
  const bundled = await rolldown({
    input: Object.fromEntries(entries.map((entry) => [flat(entry), join(src, `${entry}.ts`)])),
    cwd: root,
    platform: 'node',
    external: (id) => id.startsWith('node:') || LEFT_ALONE.test(id),
    plugins: [atFirstUse(), inItsPlace(), translated(), withoutFacades(), reflected(), inAscii()],
    onLog: (level, log, handle) => handle(level === 'warn' ? 'debug' : level, log),
  })
  try {
    const { output } = await bundled.write({
      dir: join(dist, 'code'),
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: '[name]-[hash].js',
      comments: false,
      // The text of what is loaded stays in memory; names stay, for whoever reads where an error came from.
      minify: { compress: false, mangle: false, codegen: true },
      codeSplitting: { groups },
    })
    for (const entry of entries) await writeEntry(entry)
    return output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []))
  } finally {
    await bundled.close()
  }
}

function flat(entry) {
  return entry.replaceAll('/', '-')
}

async function writeEntry(entry) {
  const file = join(dist, `${entry}.js`)
  await mkdir(dirname(file), { recursive: true })
  const code = relative(dirname(file), join(dist, 'code', `${flat(entry)}.js`))
  await writeFile(file, `import '${code}'\n`)
}

/** What is loaded at its first use is taken in all the same, where it does not stay as it is installed. */
function atFirstUse() {
  return {
    name: 'at-first-use',
    transform: {
      filter: { id: /\/src\/.*\.ts$/, code: 'createRequire(import.meta.url)(' },
      handler: (code) =>
        code.replaceAll(/createRequire\(import\.meta\.url\)\('([^']+)'\)/g, (whole, name) =>
          LEFT_ALONE.test(name) ? whole : `require('${name}')`,
        ),
    },
  }
}

/** A module that looks for files beside itself is told the place that it would have in dist, where they are. */
function inItsPlace() {
  return {
    name: 'in-its-place',
    transform: {
      filter: { id: /\/src\/.*\.ts$/, code: 'import.meta' },
      handler: (code, id) => {
        const file = `../${relative(src, id).replace(/\.ts$/, '.js')}`
        const named = { url: file, filename: file, dirname: dirname(file) }
        return code.replaceAll(/import\.meta\.(url|filename|dirname)\b/g, (_, property) =>
          property === 'url'
            ? `new URL('${file}', import.meta.url).href`
            : `(import.meta.dirname + '/${named[property]}')`,
        )
      },
    },
  }
}

/** The command line's library looks for its translations beside itself; they are copied beside the code. */
function translated() {
  return {
    name: 'translated',
    transform: {
      filter: { id: /\/yargs\/lib\/platform-shims\/esm\.mjs$/ },
      handler: (code) =>
        code
          .replace(/resolve\(__dirname, '[./]*locales'\)/, TRANSLATIONS)
          .replace(/mainFilename \|\| process\.cwd\(\)/, MANIFEST_FOLDER),
    },
  }
}

const IMPORT = new RegExp(
  `^import (?:(?:(\\w+)(?:, )?)?(?:\\{([^}]*)\\}|\\* as (\\w+))? from )?"((?:node:)?(?:${builtinModules.join('|')}))";$`,
  'gm',
)

/**
 * An import of a module of Node reads each of its exports, and `WebSocket` of `node:http` loads a whole HTTP client:
 * 40 ms in each process that nothing here needs.
 */
function withoutFacades() {
  return {
    name: 'without-facades',
    renderChunk: (code) => ({ code: code.replaceAll(IMPORT, asConstants), map: null }),
  }
}

function asConstants(...[, whole, names, star, name]) {
  const found = `globalThis.process.getBuiltinModule('${name}')`
  const parts = names?.replaceAll(/(\w+) as (\w+)/g, '$1: $2')
  const lines = [whole, star, parts && `{${parts}}`].filter(Boolean)
  return lines.map((bound) => `const ${bound} = ${found};`).join(' ')
}

const REFLECTION =
  /path\.join\(__dirname, "[./]*proto\/(grpc\/reflection\/\w+)\/reflection\.proto"\)/g

/** gRPC's reflection looks for its own definitions beside itself. */
function reflected() {
  return {
    name: 'reflected',
    renderChunk: (code) => ({
      code: code.replaceAll(
        REFLECTION,
        (_, folder) => `(import.meta.dirname + "/../protocols/${folder}") + "/reflection.proto"`,
      ),
      map: null,
    }),
  }
}

/** Between the quotes of what is taken as it is written, and behind a backslash that is not one of a pair. */
const NOT_TO_ESCAPE = /String\.raw`[^`]*[^\p{ASCII}]|(?<!\\)(?:\\\\)*\\[^\p{ASCII}\\]/u

/** One character beyond Latin has the whole text of its file take twice the memory, and the text stays in memory. */
function inAscii() {
  return {
    name: 'in-ascii',
    generateBundle: (_, chunks) => {
      for (const chunk of Object.values(chunks)) {
        if (chunk.type !== 'chunk') continue
        const [raw] = NOT_TO_ESCAPE.exec(chunk.code) ?? []
        if (raw !== undefined) throw new Error(`an escape would change what this says: ${raw}`)
        chunk.code = chunk.code.replaceAll(/[^\p{ASCII}]/gu, escaped)
      }
    },
  }
}

function escaped(character) {
  return Array.from({ length: character.length }, (_, at) => {
    const unit = character.charCodeAt(at).toString(16).padStart(4, '0')
    return `\\u${unit}`
  }).join('')
}

/** The licences of the packages that were taken in, each once, as they ask for. */
async function licencesOf(moduleIds) {
  const folders = new Set()
  for (const id of moduleIds) {
    const [folder] = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? []
    if (folder !== undefined && !id.startsWith('\0')) folders.add(folder)
  }
  const texts = []
  for (const folder of [...folders].toSorted((one, other) => one.localeCompare(other, 'en')))
    texts.push(await licenceOf(folder))
  return texts.join(`\n${'-'.repeat(78)}\n\n`)
}

async function licenceOf(folder) {
  const { name, version, license } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8'),
  )
  const files = (await readdir(folder)).filter((file) =>
    /^(?:licen[cs]e|copying|notice)/i.test(file),
  )
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return `${name} ${version} (${license})\n\n${texts.map((text) => `${text.trim()}\n`).join('\n')}`
}

const modules = [...(await bundle(ENTRIES, GROUPS)), ...(await bundle(ENTRIES_OF_IMAGES, []))]
await copied('yargs/locales', 'cli/locales')
for (const version of ['v1', 'v1alpha'])
  await copied(
    `@grpc/reflection/build/proto/grpc/reflection/${version}`,
    `protocols/grpc/reflection/${version}`,
  )
// What pages of plots are drawn with, as it is put into them.
for (const name of VEGA)
  await copied(`${name}/build/${name}.min.js`, `cli/plots/vega/${name}.min.js`)
await writeFile(join(dist, 'LICENSES.txt'), await licencesOf([...modules, ...(await insideVega())]))

/** What those files were made of. */
async function insideVega() {
  const installed = await readdir(join(root, 'node_modules'))
  return installed
    .filter((name) => INSIDE_VEGA.test(name))
    .map((name) => join(root, 'node_modules', name, 'package.json'))
}

async function copied(from, to) {
  await cp(join(root, 'node_modules', from), join(dist, to), { recursive: true })
}
