import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, serverCommand, startFamily, type Family } from '../../tests/support/process.ts'
import { pythonBin } from '../../tests/support/python.ts'
import { serveModel } from '../served-model.ts'
import { peersBin } from '../environment.ts'
import { bodiesOf, type Form } from './wire.ts'

/** One way to ask one server. */
export interface Target {
  readonly name: string
  readonly url: string
  readonly form: Form
  readonly model: string
}

/** A server with its processes, and the ways it is asked. */
export interface Served {
  readonly name: string
  readonly targets: readonly Target[]
  readonly family: Family
  /** Asks for what was put off while there was load, so that it is not counted to whoever is asked next. */
  settle?(): Promise<unknown>
  /** From the start of the process to the first prediction. */
  readonly startMs: number
}

/** What is served: the folder that make_models.py has filled. */
export interface Place {
  readonly home: string
}

const PYTHON = join(import.meta.dirname, 'python')
const START_MS_MAX = 60_000
const NAME = 'bench'

export async function startOurs({ home }: Place): Promise<Served> {
  const [port, serving, grpc] = await Promise.all([freePort(), freePort(), freePort()])
  const environment = {
    ORRERY_SERVING_PORT: String(serving),
    ORRERY_GRPC_PORT: String(grpc),
    // So few that what a slice has logged is sealed in it, too.
    ORRERY_SEAL_ROWS: '10000',
  }
  const url = `http://127.0.0.1:${serving}`
  const start = () => started(serverCommand(join(home, 'orrery'), port), { environment })
  const first = start()
  await answering(`http://127.0.0.1:${port}/health`, first)
  await serveModel({ ...first, url: `http://127.0.0.1:${port}` }, join(home, 'model'), {
    project: join(home, 'project'),
    name: NAME,
    endpoints: { [NAME]: '', unlogged: '    log: { sample: 0 }\n' },
  })
  await first.family.end()
  const infer = (model: string) => `${url}/v2/models/${model}/infer`
  // The second start is the one that is looked at: there is something to serve.
  const served = await untilFirstAnswer('orrery', start(), [
    { name: 'orrery', url: infer(NAME), form: 'open-inference', model: NAME },
    { name: 'orrery, binary', url: infer(NAME), form: 'binary', model: NAME },
    { name: 'orrery, unlogged', url: infer('unlogged'), form: 'open-inference', model: 'unlogged' },
    {
      name: 'orrery, mlflow',
      url: `${url}/endpoints/${NAME}/invocations`,
      form: 'mlflow',
      model: NAME,
    },
    { name: 'orrery, grpc', url: `http://127.0.0.1:${grpc}`, form: 'grpc', model: NAME },
  ])
  // How far the log has come is told when it has all that was answered.
  const settle = () => fetch(`http://127.0.0.1:${port}/api/v1/endpoints/${NAME}`)
  return { ...served, settle }
}

async function startMlflow({ home }: Place): Promise<Served> {
  const port = await freePort()
  const args = `models serve --host 127.0.0.1 --port ${port} --env-manager local --model-uri`
  const command = [join(pythonBin(), 'mlflow'), [...args.split(' '), join(home, 'model')]] as const
  const url = `http://127.0.0.1:${port}/invocations`
  return untilFirstAnswer('mlflow', started(command, { bin: pythonBin(), folder: home }), [
    { name: 'mlflow', url, form: 'mlflow', model: NAME },
  ])
}

async function startFastApi({ home }: Place): Promise<Served> {
  const bin = await peersBin('serving-peers.txt')
  const port = await freePort()
  const args = `fastapi_app:app --host 127.0.0.1 --port ${port} --no-access-log --app-dir`
  const running = started([join(bin, 'uvicorn'), [...args.split(' '), PYTHON]], {
    bin,
    environment: { BENCH_MODEL: join(home, 'model.onnx') },
  })
  const url = `http://127.0.0.1:${port}/predict`
  return untilFirstAnswer('fastapi', running, [{ name: 'fastapi', url, form: 'data', model: NAME }])
}

const MLSERVER_MODELS = {
  sklearn: { implementation: 'mlserver_sklearn.SKLearnModel', uri: 'model.joblib' },
  onnx: { implementation: 'onnx_model.OnnxModel', uri: 'model.onnx' },
}

/** Each model twice: asked one by one, and with calls that come together run together. */
async function startMlserver({ home }: Place): Promise<Served> {
  const bin = await peersBin('serving-peers.txt')
  const [http, grpc, metrics] = await Promise.all([freePort(), freePort(), freePort()])
  const folder = join(home, 'mlserver')
  const write = async (path: string, value: object) => {
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, JSON.stringify(value))
  }
  const metricsFolder = { metrics_dir: join(home, 'metrics') }
  const ports = { http_port: http, grpc_port: grpc, metrics_port: metrics, ...metricsFolder }
  await write(join(folder, 'settings.json'), { host: '127.0.0.1', debug: false, ...ports })
  const names: string[] = []
  for (const [kind, { implementation, uri }] of Object.entries(MLSERVER_MODELS))
    for (const batching of [{}, { max_batch_size: 64, max_batch_time: 0.005 }]) {
      const name = 'max_batch_size' in batching ? `${kind}-batched` : kind
      const parameters = { uri: join(home, uri) }
      const settings = { name, implementation, parameters, ...batching }
      await write(join(folder, name, 'model-settings.json'), settings)
      names.push(name)
    }
  const running = started([join(bin, 'mlserver'), ['start', folder]], {
    bin,
    environment: { PYTHONPATH: join(PYTHON, 'mlserver') },
  })
  const targets = names.map((model): Target => {
    const url = `http://127.0.0.1:${http}/v2/models/${model}/infer`
    return { name: `mlserver ${model}`, url, form: 'open-inference', model }
  })
  const url = `http://127.0.0.1:${grpc}`
  const overGrpc = { name: 'mlserver onnx, grpc', url, form: 'grpc', model: 'onnx' } as const
  return untilFirstAnswer('mlserver', running, [...targets, overGrpc])
}

async function startBentoml({ home }: Place): Promise<Served> {
  const bin = await peersBin('serving-peers-bentoml.txt')
  const port = await freePort()
  const args = `serve bento_service:Bench --host 127.0.0.1 --port ${port} --working-dir`
  const running = started([join(bin, 'bentoml'), [...args.split(' '), PYTHON]], {
    bin,
    environment: {
      BENCH_MODEL: join(home, 'model.onnx'),
      BENTOML_HOME: join(home, 'bentoml'),
      BENTOML_DO_NOT_TRACK: 'true',
    },
  })
  const url = `http://127.0.0.1:${port}/predict`
  return untilFirstAnswer('bentoml', running, [{ name: 'bentoml', url, form: 'data', model: NAME }])
}

async function startRay({ home }: Place): Promise<Served> {
  const bin = await peersBin('serving-peers.txt')
  const port = await freePort()
  await writeFile(
    join(home, 'ray.yaml'),
    `http_options: { host: 127.0.0.1, port: ${port} }\napplications: [{ name: bench, import_path: ray_app:app }]\n`,
  )
  const running = started([join(bin, 'serve'), ['run', 'ray.yaml', '--app-dir', PYTHON]], {
    bin,
    folder: home,
    environment: {
      BENCH_MODEL: join(home, 'model.onnx'),
      // Its workers import the application too.
      PYTHONPATH: PYTHON,
      RAY_USAGE_STATS_ENABLED: '0',
    },
  })
  const url = `http://127.0.0.1:${port}/`
  return untilFirstAnswer('ray', running, [{ name: 'ray', url, form: 'data', model: NAME }])
}

/** Those that are compared with, by the names that choose them. */
export const PEERS: Readonly<Record<string, (place: Place) => Promise<Served>>> = {
  mlflow: startMlflow,
  fastapi: startFastApi,
  mlserver: startMlserver,
  bentoml: startBentoml,
  ray: startRay,
}

interface Running {
  readonly family: Family
  readonly beganMs: number
}

function started(
  [command, args]: readonly [string, readonly string[]],
  options: { bin?: string; folder?: string; environment?: Readonly<Record<string, string>> },
): Running {
  const { bin = '', folder, environment } = options
  const beganMs = performance.now()
  // A peer finds its own python and helpers by PATH, as in an activated environment.
  const path = bin === '' ? {} : { PATH: `${bin}:${process.env['PATH'] ?? ''}` }
  const family = startFamily(command, args, {
    environment: {
      ...path,
      MLFLOW_DISABLE_TELEMETRY: 'true',
      DO_NOT_TRACK: 'true',
      ...environment,
    },
    ...(folder === undefined ? {} : { folder }),
  })
  family.stdout.resume()
  return { family, beganMs }
}

async function untilFirstAnswer(
  name: string,
  running: Running,
  targets: readonly [Target, ...Target[]] | readonly Target[],
): Promise<Served> {
  const [{ url, form, model }] = targets as [Target]
  const [body] = bodiesOf(form, 1, model) as [Buffer]
  try {
    const startMs = await answering(url, running, new Uint8Array(body))
    return { name, targets, family: running.family, startMs }
  } catch (error) {
    await running.family.end()
    throw error
  }
}

/** Asks until it is answered; gives how long that took from the start. */
async function answering(
  url: string,
  { family, beganMs }: Running,
  body?: Uint8Array<ArrayBuffer>,
): Promise<number> {
  let ended: number | null | undefined
  void family.exited.then((status) => (ended = status))
  const headers = { 'content-type': 'application/json' }
  const asked = body === undefined ? {} : { method: 'POST', body, headers }
  while (performance.now() - beganMs < START_MS_MAX) {
    const status = await fetch(url, asked).then(
      async (answer) => answer.arrayBuffer().then(() => answer.status),
      () => 0,
    )
    if (status === 200) return performance.now() - beganMs
    if (ended !== undefined) throw new Error(`it ended with ${ended}:\n${family.log()}`)
    await sleep(10)
  }
  throw new Error(`${url} did not answer in ${START_MS_MAX} ms:\n${family.log()}`)
}
