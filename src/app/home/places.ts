import { join, resolve } from 'node:path'
import type { Clock } from '#base/clock'
import { Problem } from '#base/problem'
import type { ObjectStore } from '#objects'
import { openLocalObjects } from '#stores/objects/local'
import { openOutsideFiles } from '#stores/objects/outside'
import { openS3Objects } from '#stores/objects/s3'
import { bucketIn, lazyS3 } from '#stores/objects/s3-client'
import type { OutsideFiles } from '#tracking'
import { environment, type Config } from '../settings/config.ts'

/** Where the server keeps bytes, and where clients keep theirs. */
export interface Places {
  readonly objects: ObjectStore
  readonly outside: OutsideFiles
  /** The artifact location of new experiments, as clients are told it; its own tree when absent. */
  readonly artifactRoot: string | undefined
}

/** Opens the places that the settings name. Throws when one of them cannot be used. */
export async function openPlaces(config: Config, clock: Clock): Promise<Places> {
  const s3 = lazyS3({ endpoint: endpointIn(environment), region: regionIn(environment) })
  const artifactRoot = artifactRootOf(config)
  const { folder, bucket } = destinationOf(config)
  const nowMs = clock.nowMs()
  const objects =
    bucket === undefined
      ? await openLocalObjects(folder, { alone: config.artifactsDestination === '', nowMs })
      : await openS3Objects(await s3(), { ...bucket, nowMs })
  return { objects, outside: openOutsideFiles({ root: artifactRoot ?? '', s3 }), artifactRoot }
}

/** Where artifacts go, in words. */
export function placesIn(config: Config): { destination: string; root: string } {
  const { folder, bucket } = destinationOf(config)
  const { bucket: name = '', prefix = '' } = bucket ?? {}
  return {
    destination: bucket === undefined ? folder : `s3://${name}/${prefix}`.replace(/\/$/, ''),
    root: artifactRootOf(config) ?? 'mlflow-artifacts:/',
  }
}

function destinationOf({ artifactsDestination, home }: Config) {
  const folder = artifactsDestination === '' ? join(home, 'objects') : pathIn(artifactsDestination)
  const bucket = bucketIn(artifactsDestination)
  if (bucket === undefined && folder === undefined)
    throw new Problem(
      'invalid',
      `--artifacts-destination is ${JSON.stringify(artifactsDestination)}; give a folder or s3://bucket/prefix`,
    )
  return { folder: folder ?? '', bucket }
}

/** As with `mlflow server`: what is said, else the server itself, else a folder that clients on this machine share. */
function artifactRootOf(config: Config): string | undefined {
  const { defaultArtifactRoot: given, serveArtifacts, home } = config
  if (given === '') return serveArtifacts ? undefined : join(home, 'artifacts')
  if (/[?#]/.test(given) || given.split('/').includes('..'))
    throw new Problem(
      'invalid',
      `--default-artifact-root is ${JSON.stringify(given)}; it must not hold "..", "?" or "#"`,
    )
  return pathIn(given) ?? given.replace(/\/+$/, '')
}

/** The folder that a setting names, if it is one of this machine. */
function pathIn(given: string): string | undefined {
  if (!/^[A-Za-z][\w+.-]*:/.test(given)) return resolve(given)
  const [, path] = /^file:(?:\/\/)?(\/(?!\/).*)$/.exec(given) ?? []
  return path === undefined ? undefined : resolve(decodeURIComponent(path))
}

type Variables = Readonly<Record<string, string | undefined>>

/** MLflow's own variable wins over Amazon's. */
function endpointIn(variables: Variables): string | undefined {
  const names = ['MLFLOW_S3_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL']
  return names.map((name) => variables[name] || undefined).find((value) => value !== undefined)
}

/** boto3 reads the second too. */
function regionIn(variables: Variables): string | undefined {
  return variables['AWS_REGION'] || variables['AWS_DEFAULT_REGION'] || undefined
}
