import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { pack, type Header, type Pack } from 'tar-stream'

/** A file of a layer, from disk or from memory, a symbolic link, or a folder whose mode matters. */
export interface FileEntry {
  /** Its path in the image, without a leading slash. */
  readonly path: string
  readonly mode: 0o644 | 0o755 | 0o1777
  readonly content:
    | { readonly file: string; readonly sizeBytes: number }
    | { readonly text: string }
    | { readonly link: string }
    | { readonly folder: true }
}

/** A layer as an image refers to it. */
export interface Layer {
  /** Of the compressed bytes, as `sha256:…`. */
  readonly digest: string
  /** Of the tar itself: it stays the same where another zlib compresses otherwise. */
  readonly diffId: string
  readonly sizeBytes: number
  /** What it holds, for people. */
  readonly comment: string
}

/** The level is named so that the same files give the same bytes wherever the same zlib is at work. */
const GZIP_LEVEL = 6

/** Smaller files are read at once, larger ones in pieces. */
const WHOLE_BYTES_MAX = 4 << 20

/** Where gzip's header names the operating system that wrote it. */
const GZIP_OS_AT = 9
const GZIP_OS_UNKNOWN = 255

/**
 * Writes files as a layer below `blobs/sha256` of an image layout. The same files give the same layer: entries
 * are ordered by path and have no time and no owner but root.
 */
export async function writeLayer(
  layout: string,
  files: readonly FileEntry[],
  comment: string,
): Promise<Layer> {
  const blobs = join(layout, 'blobs', 'sha256')
  await mkdir(blobs, { recursive: true })
  const unfinished = join(blobs, `.${comment.replaceAll(/\W/g, '-')}.unfinished`)
  const tar = pack()
  const uncompressed = hashed()
  const compressed = hashed()
  await Promise.all([
    addAll(tar, files),
    pipeline(
      tar,
      uncompressed.stream,
      createGzip({ level: GZIP_LEVEL }),
      anonymous(),
      compressed.stream,
      createWriteStream(unfinished),
    ),
  ])
  const digest = compressed.digest()
  await rename(unfinished, join(blobs, digest))
  return {
    digest: `sha256:${digest}`,
    diffId: `sha256:${uncompressed.digest()}`,
    sizeBytes: compressed.bytes(),
    comment,
  }
}

async function addAll(tar: Pack, files: readonly FileEntry[]): Promise<void> {
  const ordered = files.toSorted((one, other) => (one.path < other.path ? -1 : 1))
  try {
    for (const folder of foldersOf(ordered)) await addEntry(tar, headerOf(folder, 'directory'))
    for (const file of ordered) await addFile(tar, file)
    tar.finalize()
  } catch (error) {
    tar.destroy(error as Error)
    throw error
  }
}

function foldersOf(files: readonly FileEntry[]): string[] {
  const folders = new Set<string>()
  for (const { path } of files) {
    const parts = path.split('/').slice(0, -1)
    for (let depth = 1; depth <= parts.length; depth++) folders.add(parts.slice(0, depth).join('/'))
  }
  return [...folders].toSorted()
}

async function addFile(tar: Pack, { path, mode, content }: FileEntry): Promise<void> {
  if ('folder' in content) return addEntry(tar, { ...headerOf(path, 'directory'), mode })
  if ('link' in content)
    return addEntry(tar, { ...headerOf(path, 'symlink'), linkname: content.link })
  if ('text' in content) return addEntry(tar, { ...headerOf(path, 'file'), mode }, content.text)
  const header = { ...headerOf(path, 'file'), mode, size: content.sizeBytes }
  if (content.sizeBytes < WHOLE_BYTES_MAX)
    return addEntry(tar, { ...headerOf(path, 'file'), mode }, await readFile(content.file))
  const entry = tar.entry(header)
  // The pipeline tells it too; without a listener here it would end the process.
  entry.on('error', () => undefined)
  return pipeline(createReadStream(content.file), entry)
}

function addEntry(
  tar: Pack,
  header: ReturnType<typeof headerOf>,
  text?: string | Buffer,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve())
    if (text === undefined) tar.entry(header, done)
    else tar.entry(header, text, done)
  })
}

function headerOf(
  name: string,
  type: 'file' | 'directory' | 'symlink',
): Partial<Header> & { name: string } {
  const mode = type === 'file' ? 0o644 : type === 'directory' ? 0o755 : 0o777
  return { name, type, mode, mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '' }
}

/** Passes bytes on and knows their digest and number in the end. */
function hashed() {
  const hash = createHash('sha256')
  let bytes = 0
  return {
    stream: new Transform({
      transform: (chunk: Buffer, _, done) => {
        hash.update(chunk)
        bytes += chunk.length
        done(null, chunk)
      },
    }),
    digest: () => hash.digest('hex'),
    bytes: () => bytes,
  }
}

/** Takes the name of the operating system out of gzip's header. */
function anonymous(): Transform {
  let offset = 0
  return new Transform({
    transform: (chunk: Buffer, _, done) => {
      const at = GZIP_OS_AT - offset
      if (at >= 0 && at < chunk.length) chunk[at] = GZIP_OS_UNKNOWN
      offset += chunk.length
      done(null, chunk)
    },
  })
}
