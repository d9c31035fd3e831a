import { existsSync, realpathSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Problem } from '#base/problem'
import type { Places } from './artifacts.ts'
import { folderSource } from './folder-source.ts'
import { restClient } from './rest-client.ts'
import { restSource } from './rest-source.ts'
import type { MlflowSource } from './source.ts'
import { sqlSource } from './sql-source.ts'

/** Opens the MLflow store that a person names: the address of a server, a folder of runs, or a database. */
export function openSource(
  named: string,
  artifacts: string | undefined,
  variables: Readonly<Record<string, string | undefined>>,
): MlflowSource {
  const places = placesIn(artifacts, variables)
  if (/^https?:\/\//.test(named)) return restSource(restClient(named, variables), places)
  const [, scheme = ''] = /^([a-z][\w+.-]*):/.exec(named) ?? []
  if (scheme !== '' && scheme !== 'sqlite' && scheme !== 'file' && !existsSync(named))
    throw new Problem(
      'unsupported',
      `${scheme} stores are not read directly; start "mlflow server --backend-store-uri ${scheme}://…" and give its address`,
    )
  const path = resolve(named.replace(/^sqlite:\/\/\/?(?=\/)|^sqlite:\/\/\/|^file:\/\//, ''))
  if (!existsSync(path))
    throw new Problem(
      'not-found',
      `there is no ${path}; name the address of an MLflow server, a folder mlruns, or a file mlflow.db`,
    )
  const real = realpathSync(path)
  if (!statSync(real).isDirectory()) return sqlSource(real, places)
  const inside = ['mlflow.db', 'mlruns.db']
    .map((name) => join(real, name))
    .find((each) => existsSync(each))
  if (inside !== undefined) return sqlSource(inside, places)
  const runs = existsSync(join(real, 'mlruns')) ? join(real, 'mlruns') : real
  return folderSource(runs, places)
}

function placesIn(
  artifacts: string | undefined,
  variables: Readonly<Record<string, string | undefined>>,
): Places {
  if (artifacts === undefined) return { usual: [] }
  if (/^https?:\/\//.test(artifacts)) return { server: restClient(artifacts, variables), usual: [] }
  const folder = resolve(artifacts.replace(/^file:\/\//, ''))
  if (!existsSync(folder))
    throw new Problem('not-found', `there is no folder ${folder} to look for artifacts in`)
  return { folder, usual: [] }
}
