import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Problem } from '#base/problem'
import type { ApiClient } from '../client.ts'

export interface FetchedModel {
  readonly model: string
  readonly version: number
  readonly digest: string
  readonly created: string
}

interface Files {
  model: string
  version: number
  digest: string | null
  created: string
  files: { path: string; sizeBytes: number; digest: string }[]
}

/** Brings the files of a model version into a folder, each compared with its digest. */
export async function fetchModel(
  api: ApiClient,
  { model, version }: { model: string; version: number },
  folder: string,
  onBytes: (bytes: number) => void,
): Promise<FetchedModel> {
  const place = `/models/${encodeURIComponent(model)}/versions/${version}/files`
  const { digest, created, files } = await api.get<Files>(place)
  if (digest === null)
    throw new Problem(
      'invalid',
      `the files of ${model} version ${version} are not kept by the server, so they cannot be fetched; log the model to it`,
    )
  for (const file of files) {
    const target = join(folder, file.path)
    if (relative(folder, target).startsWith('..'))
      throw new Problem('invalid', `${model} version ${version} has a file outside its folder`)
    await mkdir(dirname(target), { recursive: true })
    const content = api.stream(`${place}/content?path=${encodeURIComponent(file.path)}`)
    const hash = createHash('sha256')
    const counted = new Transform({
      transform: (chunk: Buffer, _, done) => {
        hash.update(chunk)
        onBytes(chunk.length)
        done(null, chunk)
      },
    })
    await pipeline(content, counted, createWriteStream(target))
    if (hash.digest('hex') !== file.digest)
      throw new Problem(
        'unavailable',
        `${file.path} of ${model} version ${version} was not received as it is kept; try again`,
      )
  }
  return { model, version, digest, created }
}

/** The version that `flights-late:2`, `models:/flights-late/2` or `models:/flights-late@champion` means. */
export async function versionMeant(
  api: ApiClient,
  text: string,
): Promise<{ model: string; version: number }> {
  const [, model, alias] = /^(?:models:\/)?([^@]+)@([\w-]+)$/.exec(text) ?? []
  if (model === undefined || alias === undefined) {
    const [, named, version] = /^(?:models:\/)?(.+)[:/](\d+)$/.exec(text) ?? []
    if (named !== undefined && version !== undefined)
      return { model: named, version: Number(version) }
    throw new Problem(
      'invalid',
      `${JSON.stringify(text)} names no model version; write it as flights-late:2 or flights-late@champion`,
    )
  }
  const found = await api.get<{ aliases: { alias: string; version: number }[] }>(
    `/models/${encodeURIComponent(model)}/aliases`,
  )
  const version = found.aliases.find((each) => each.alias === alias)?.version
  if (version === undefined)
    throw new Problem(
      'not-found',
      `${model} has no alias ${alias}; it has ${found.aliases.map((each) => each.alias).join(', ') || 'none'}`,
    )
  return { model, version }
}
