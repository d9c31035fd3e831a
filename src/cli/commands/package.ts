import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Packaged, PackagedModel } from '#app/package/index'
import { environment } from '#app/settings/environment'
import { Problem } from '#base/problem'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { fetchModel, versionMeant } from '../package/fetch.ts'
import { clusterName, manifestsOf, type ManifestKind } from '../package/manifests.ts'
import { showProgress } from '../progress.ts'
import { remoteFlags } from './project.ts'

export const packageCommand = command({
  command: 'package <versions..>',
  describe:
    'Make an image that serves model versions: package flights-late@champion --push host/name:tag',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('versions', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'MODEL:VERSION or MODEL@ALIAS; several share one image',
      })
      .option('output', { type: 'string', describe: 'Folder for the image (OCI layout)' })
      .option('push', { type: 'string', describe: 'Registry to push to: host[:port]/name:tag' })
      .option('name', {
        type: 'string',
        describe: 'Name that a single model answers under (default: its own)',
      })
      .option('print', {
        choices: ['kubernetes', 'kserve'] as const,
        describe: 'Print what a cluster is told to run the image',
      })
      .option('image', { type: 'string', describe: 'Image that is named there (default: --push)' }),
  handler: async (flags) => {
    const { print, name, push } = flags
    if (flags.output === undefined && push === undefined && print === undefined)
      throw new Problem(
        'invalid',
        'say what becomes of the image: --output FOLDER, --push host/name:tag, or --print kubernetes',
      )
    if (name !== undefined && flags.versions.length > 1)
      throw new Problem('invalid', '--name is for a single model; leave it out')
    const api = apiClient(await serverUrl(flags))
    const wanted = await Promise.all(flags.versions.map((text) => versionMeant(api, text)))
    const names = wanted.map(({ model }) => name ?? model)
    const made =
      flags.output === undefined && push === undefined
        ? undefined
        : await make(api, wanted, names, flags)
    const printed = print === undefined ? undefined : printedManifests(print, names, flags)
    if (flags.json === true)
      process.stdout.write(`${JSON.stringify({ ...made, models: wanted, manifests: printed })}\n`)
    else process.stdout.write(printed ?? words(made, flags))
  },
})

interface Wishes {
  output?: string | undefined
  push?: string | undefined
  image?: string | undefined
  json?: boolean
}

interface Made extends Packaged {
  readonly output: string | null
  readonly pushed: { readonly reference: string; readonly pushedBytes: number } | null
}

async function make(
  api: ApiClient,
  wanted: readonly { model: string; version: number }[],
  names: readonly string[],
  flags: Wishes,
): Promise<Made> {
  const [{ packageModels }, { pushLayout, referenceIn }] = await Promise.all([
    import('#app/package/index'),
    import('#protocols/oci/index'),
  ])
  // What names no image is said before any work.
  const reference = flags.push === undefined ? undefined : referenceIn(flags.push)
  const work = await mkdtemp(join(tmpdir(), 'orrery-package-'))
  try {
    const models: PackagedModel[] = []
    const progress = showProgress('fetching', flags)
    for (const [index, version] of wanted.entries()) {
      const folder = join(work, 'models', String(index))
      const fetched = await fetchModel(api, version, folder, (bytes) => progress.add(bytes))
      models.push({
        ...fetched,
        folder,
        name: names[index] ?? version.model,
        createdMs: Date.parse(fetched.created),
      })
    }
    progress.end()
    const output = resolve(flags.output ?? join(work, 'image'))
    const packaged = await packageModels(models, output, {
      tag: reference?.tag ?? 'latest',
      onLayer: (comment) => {
        if (flags.json !== true) process.stderr.write(`layer: ${comment}\n`)
      },
    })
    const pushed =
      reference === undefined ? undefined : await pushLayout(output, reference, loginOf())
    return {
      ...packaged,
      output: flags.output === undefined ? null : output,
      pushed:
        pushed === undefined || flags.push === undefined
          ? null
          : { reference: flags.push, pushedBytes: pushed.pushedBytes },
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function loginOf() {
  const user = environment['ORRERY_REGISTRY_USER']
  const password = environment['ORRERY_REGISTRY_PASSWORD']
  return user === undefined || password === undefined ? {} : { credentials: { user, password } }
}

function printedManifests(kind: ManifestKind, names: readonly string[], flags: Wishes): string {
  const image = flags.image ?? flags.push
  if (image === undefined)
    throw new Problem('invalid', 'manifests name an image: say which with --image or --push')
  return manifestsOf(kind, { name: clusterName(names[0] ?? 'model'), image })
}

function words(made: Made | undefined, { push }: Wishes): string {
  if (made === undefined) return ''
  const size = `${(made.sizeBytes / 2 ** 20).toFixed(0)} MiB`
  const kept = made.output === null ? '' : `${made.output}: `
  const sent =
    made.pushed === null
      ? ''
      : `pushed to ${push} (${(made.pushed.pushedBytes / 2 ** 20).toFixed(1)} MiB were not there yet)\n`
  return `${kept}${made.digest}, ${size}\n${sent}`
}
