import { answerHeaders, type Repository } from '#inference'
import { Problem } from '#base/problem'
import type { RpcCall, RpcCodec, RpcMethod, RpcService } from '#base/rpc'
import { ask, type Answering } from './ask.ts'
import {
  described,
  modelConfig,
  modelMetadata,
  modelStatistics,
  serverMetadata,
} from './metadata.ts'
import { loadOptionsIn, repositoryIndex } from './repository.ts'
import type { Parameters } from './request.ts'
import { inferRequestInProtobuf, type GrpcInferRequest } from './request-messages.ts'
import {
  inferResponseInProtobuf,
  streamResponseInProtobuf,
  type GrpcAnswer,
} from './response-messages.ts'

interface Parts extends Answering {
  readonly repository?: Repository | undefined
  readonly version: string
}

interface Named {
  readonly name: string
  readonly version: string
}

type Methods = Readonly<Record<string, RpcMethod>>

/** The Open Inference Protocol over gRPC, with Triton's extensions, and the repository as MLServer has it. */
export function openInferenceServices(parts: Parts): RpcService[] {
  const root = import.meta.dirname
  const repository = parts.repository === undefined ? {} : repositoryMethods(parts.repository)
  const services: RpcService[] = [
    {
      name: 'inference.GRPCInferenceService',
      proto: { root, file: 'open_inference.proto' },
      methods: {
        ...serverMethods(parts),
        ...modelMethods(parts),
        ...inferMethods(parts),
        ...repository,
      },
    },
  ]
  if (parts.repository !== undefined)
    services.push({
      name: 'inference.model_repository.ModelRepositoryService',
      proto: { root, file: 'model_repository.proto' },
      methods: repository,
    })
  return services
}

function serverMethods({ inference, repository, version }: Parts): Methods {
  return {
    ServerLive: { answer: async () => ({ live: true }) },
    ServerReady: { answer: async () => ({ ready: inference.readiness().ready }) },
    ServerMetadata: { answer: async () => serverMetadata(version, repository !== undefined) },
  }
}

function modelMethods({ inference }: Parts): Methods {
  const found = ({ name, version }: Named) => described(inference, { model: name, version })
  return {
    ModelReady: { answer: async (asked: Named) => ({ ready: await isReady(found(asked)) }) },
    ModelMetadata: {
      answer: async (asked: Named) => modelMetadata(asked.name, await found(asked)),
    },
    ModelConfig: {
      answer: async (asked: Named) => ({ config: modelConfig(asked.name, await found(asked)) }),
    },
    ModelStatistics: {
      answer: ({ name, version }: Named) =>
        modelStatistics(inference, name === '' ? undefined : { model: name, version }),
    },
  }
}

/** A model that cannot answer yet is not ready; one that is not there is a failure. */
async function isReady(found: Promise<unknown>): Promise<boolean> {
  try {
    await found
    return true
  } catch (error) {
    if (error instanceof Problem && error.code === 'unavailable') return false
    throw error
  }
}

const INFER: RpcCodec = { decode: inferRequestInProtobuf, encode: inferResponseInProtobuf }

/** Reads its messages only where a failure can be answered by a message of the stream. */
const STREAM: RpcCodec = { decode: (bytes) => bytes, encode: streamResponseInProtobuf }

function inferMethods(parts: Parts): Methods {
  const infer = async (asked: GrpcInferRequest, call: RpcCall): Promise<GrpcAnswer> => {
    const { model, version, request } = asked
    const { deadlineMs, signal } = call
    const circumstances = { headers: call.headers(), deadlineMs, signal }
    return { asked, ...(await ask(parts, { model, version }, request, circumstances)) }
  }
  return {
    ModelInfer: {
      codec: INFER,
      answer: async (asked: GrpcInferRequest, call) => {
        const answered = await infer(asked, call)
        for (const [name, value] of Object.entries(answerHeaders(answered.answer)))
          call.setHeader(name, value)
        return answered
      },
    },
    ModelStreamInfer: {
      codec: STREAM,
      answerEach: async (bytes: Uint8Array, call) => {
        let id: string | undefined
        try {
          const asked = read(bytes)
          ;({ id } = asked.request)
          return await infer(asked, call)
        } catch (error) {
          if (error instanceof Problem) return { error: error.message, id }
          throw error
        }
      },
    },
  }
}

function read(bytes: Uint8Array): GrpcInferRequest {
  try {
    return inferRequestInProtobuf(bytes)
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('invalid', `the message is no ModelInferRequest: ${String(error)}`)
  }
}

interface Loading {
  readonly model_name: string
  readonly parameters?: Readonly<Record<string, RepositoryParameter>>
}

type RepositoryParameter = Readonly<Record<string, unknown>> & { readonly parameter_choice: string }

function repositoryMethods(repository: Repository): Methods {
  return {
    RepositoryIndex: {
      answer: async ({ ready }: { ready: boolean }) => ({
        models: await repositoryIndex(repository, ready),
      }),
    },
    RepositoryModelLoad: {
      answer: async ({ model_name, parameters = {} }: Loading) => {
        await repository.load(model_name, loadOptionsIn(parametersOf(parameters)))
        return {}
      },
    },
    RepositoryModelUnload: {
      answer: async ({ model_name }: Loading) => {
        await repository.unload(model_name)
        return {}
      },
    },
  }
}

function parametersOf(parameters: Readonly<Record<string, RepositoryParameter>>): Parameters {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => {
      const given = value[value.parameter_choice]
      return [name, typeof given === 'string' || typeof given === 'boolean' ? given : null]
    }),
  )
}
