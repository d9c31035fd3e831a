import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Layer } from './layer.ts'

/** What an image is made of and how it is started. */
export interface Image {
  readonly layers: readonly Layer[]
  readonly architecture: 'amd64' | 'arm64'
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly workingFolder: string
  /** `65532:65532` */
  readonly user: string
  readonly ports: readonly number[]
  readonly labels: Readonly<Record<string, string>>
  /** When what it serves was made; the image itself is as old, so that it can be made again. */
  readonly createdMs: number
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/**
 * Completes the image layout around layers that lie in it (OCI image specification 1.1: config, manifest,
 * `index.json`, `oci-layout`) and gives the digest of the manifest.
 */
export async function writeLayout(layout: string, image: Image, tag: string): Promise<string> {
  const config = await writeBlob(layout, configOf(image))
  const manifest = await writeBlob(layout, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: image.layers.map(({ digest, sizeBytes }) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest,
      size: sizeBytes,
    })),
    annotations: image.labels,
  })
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  const named = { 'org.opencontainers.image.ref.name': tag }
  await writeFile(
    join(layout, 'index.json'),
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [{ mediaType: MANIFEST, ...manifest, annotations: named }],
    }),
  )
  return manifest.digest
}

function configOf(image: Image) {
  const created = new Date(image.createdMs).toISOString()
  return {
    created,
    architecture: image.architecture,
    os: 'linux',
    config: {
      User: image.user,
      ExposedPorts: Object.fromEntries(image.ports.map((port) => [`${port}/tcp`, {}])),
      Env: Object.entries(image.environment).map(([name, value]) => `${name}=${value}`),
      Entrypoint: image.entrypoint,
      Cmd: image.command,
      WorkingDir: image.workingFolder,
      Labels: image.labels,
    },
    rootfs: { type: 'layers', diff_ids: image.layers.map(({ diffId }) => diffId) },
    history: image.layers.map(({ comment }) => ({
      created,
      created_by: 'orrery package',
      comment,
    })),
  }
}

async function writeBlob(
  layout: string,
  content: object,
): Promise<{ digest: string; size: number }> {
  const bytes = Buffer.from(JSON.stringify(content))
  const digest = createHash('sha256').update(bytes).digest('hex')
  await mkdir(join(layout, 'blobs', 'sha256'), { recursive: true })
  await writeFile(join(layout, 'blobs', 'sha256', digest), bytes)
  return { digest: `sha256:${digest}`, size: bytes.length }
}
