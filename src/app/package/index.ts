import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { arch } from 'node:os'
import { extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Problem } from '#base/problem'
import { writeLayer, writeLayout, type FileEntry, type Layer } from '#protocols/oci/index'
import { IDENTITY_FILE, modelAt, type Identity } from '../standalone/model-folder.ts'
import { VERSION } from '../version.ts'
import { closureOf, placeOfPackage } from './closure.ts'
import { fileEntry, filesBelow, sharedLibraries } from './host.ts'

export interface PackagedModel extends Identity {
  /** The name that it answers under. */
  readonly name: string
  /** Where its files lie: a folder with an MLmodel file. */
  readonly folder: string
  /** When the version was made; the image is as old. */
  readonly createdMs: number
}

export interface Packaged {
  /** Of the manifest, `sha256:…`. */
  readonly digest: string
  readonly layers: readonly Layer[]
  readonly sizeBytes: number
}

/** Nobody's, as distroless images have it. */
const USER = 65_532

const PORT = 8080

const ARCHITECTURES: Readonly<Record<string, 'amd64' | 'arm64'>> = { x64: 'amd64', arm64: 'arm64' }

/**
 * Writes an OCI image layout that serves the models: Node and the libraries of this machine that it needs, the
 * part of Orrery that answers predictions, the models, and nothing else. `layout` must not exist yet; it is
 * there whole or not at all.
 */
export async function packageModels(
  models: readonly PackagedModel[],
  layout: string,
  { tag, onLayer }: { tag: string; onLayer?: (comment: string) => void },
): Promise<Packaged> {
  const architecture = ARCHITECTURES[arch()]
  if (architecture === undefined)
    throw new Problem('unsupported', `images for processors of the kind ${arch()} are not made`)
  if (existsSync(layout))
    throw new Problem('exists', `${layout} is there already; name a folder that is not`)
  const unfinished = `${layout}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true })
  try {
    for (const model of models) await assertOnnx(model)
    const program = await programFiles()
    const layers: Layer[] = []
    for (const [comment, files] of [
      ['Node and the libraries it needs', await systemFiles(program)],
      [`Orrery ${VERSION}`, program.map(({ entry }) => entry)],
      [
        models.map(({ model, version }) => `${model} ${version}`).join(', '),
        await modelFiles(models),
      ],
    ] as const) {
      onLayer?.(comment)
      layers.push(await writeLayer(unfinished, files, comment))
    }
    const digest = await writeLayout(unfinished, { ...imageOf(models), layers, architecture }, tag)
    await rename(unfinished, layout)
    return { digest, layers, sizeBytes: layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) }
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

/** Throws for a model that needs Python, of which there is none in the image. */
async function assertOnnx({ folder, name, model, version }: PackagedModel): Promise<void> {
  const { files } = await modelAt(folder, name)
  if (files.runs === 'python')
    throw new Problem(
      'invalid',
      `${model} version ${version} holds no ONNX model, and an image has no Python; make one with "orrery convert ${model}:${version}" and package that`,
    )
}

function imageOf(models: readonly PackagedModel[]) {
  const [first] = models
  return {
    entrypoint: ['/usr/bin/node', '--disable-warning=ExperimentalWarning', `/app/${placeOf(MAIN)}`],
    command: ['serve'],
    environment: {
      PATH: '/usr/bin',
      NODE_ENV: 'production',
      HOME: '/tmp',
      ORRERY_MODELS: '/models',
    },
    workingFolder: '/',
    user: `${USER}:${USER}`,
    ports: [PORT],
    labels: {
      'org.opencontainers.image.title': models.map(({ name }) => name).join(', '),
      'org.opencontainers.image.version': models.map(({ version }) => version).join(', '),
      'com.amazonaws.sagemaker.capabilities.accept-bind-to-port': 'true',
      ...Object.fromEntries(
        models.map(({ model, version, digest }) => [`orrery.model.${model}.${version}`, digest]),
      ),
    },
    createdMs: first?.createdMs ?? 0,
  }
}

/** In a checkout the program is TypeScript and Node strips its types; in a package it is JavaScript. */
const EXTENSION = extname(import.meta.url)
const HERE = fileURLToPath(new URL('..', import.meta.url))
const ROOT = join(HERE, '..', '..')
const MAIN = join(HERE, 'standalone', `main${EXTENSION}`)

/** What is started as a process and so is not found by imports. */
const PROCESSES = ['process', 'watchdog'].map((name) =>
  join(HERE, '..', 'runtimes', 'onnx', `${name}${EXTENSION}`),
)

function placeOf(file: string): string {
  return relative(ROOT, file)
}

interface ProgramFile {
  readonly entry: FileEntry
  readonly file: string
}

async function programFiles(): Promise<ProgramFile[]> {
  const { files, packages } = closureOf(ROOT, [MAIN, ...PROCESSES])
  const found: ProgramFile[] = []
  for (const file of files)
    found.push({ file, entry: await fileEntry(file, `app/${placeOf(file)}`) })
  for (const folder of packages)
    for (const entry of await filesBelow(folder, `app/${placeOfPackage(ROOT, folder)}`, isNeeded))
      found.push({ file: 'file' in entry.content ? entry.content.file : folder, entry })
  return found
}

const FOREIGN = new RegExp(`/onnxruntime-node/bin/napi-v\\d+/(?!linux/${arch()}/)`)

/** Whether a file of a package is for this machine and for running. */
function isNeeded(file: string): boolean {
  return !FOREIGN.test(file) && !/\.(?:map|md|markdown|[cm]?ts|flow)$/i.test(file)
}

/** Node, the shared libraries of it and of all native modules, and the user that it runs as. */
async function systemFiles(program: readonly ProgramFile[]): Promise<FileEntry[]> {
  const native = program
    .map(({ file }) => file)
    .filter((file) => /\.node$|\.so(?:\.\d+)*$/.test(file))
  const libraries = await sharedLibraries([process.execPath, ...native])
  const shipped = new Set(program.map(({ file }) => file))
  return [
    await fileEntry(process.execPath, 'usr/bin/node', 0o755),
    ...libraries.filter(({ content }) => 'file' in content && !shipped.has(content.file)),
    text('etc/passwd', `root:x:0:0:root:/:/\norrery:x:${USER}:${USER}:orrery:/tmp:/\n`),
    text('etc/group', `root:x:0:\norrery:x:${USER}:\n`),
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
    { path: 'tmp', mode: 0o1777, content: { folder: true } },
  ]
}

function text(path: string, content: string): FileEntry {
  return { path, mode: 0o644, content: { text: content } }
}

async function modelFiles(models: readonly PackagedModel[]): Promise<FileEntry[]> {
  const found: FileEntry[] = []
  for (const { name, folder, model, version, digest } of models) {
    const identity: Identity = { model, version, digest }
    found.push(
      ...(await filesBelow(folder, `models/${name}`, (file) => extname(file) !== '.pkl')),
      text(`models/${name}/${IDENTITY_FILE}`, JSON.stringify(identity)),
    )
  }
  return found
}
