import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema, type DescriptorProto } from '@bufbuild/protobuf/wkt'
import type { PackageDefinition } from '@grpc/proto-loader'
import { ReflectionService } from '@grpc/reflection'

interface File {
  readonly name: string
}

/** What the library has found out about files. */
interface Known {
  readonly fileDependencies: ReadonlyMap<File, readonly File[]>
  readonly fileEncodings: Map<File, Uint8Array>
}

/**
 * Reflection of which clients can build what it says. The libraries name a map's entries as its values may be named, and
 * know which files a file needs, send them along and do not say so (grpc-node's issue 2595).
 */
export function reflectionOf(definitions: PackageDefinition): ReflectionService {
  const service = new ReflectionService(withEntries(definitions))
  const { v1, v1Alpha } = service as unknown as Record<'v1' | 'v1Alpha', Known>
  for (const { fileDependencies, fileEncodings } of [v1, v1Alpha])
    for (const [file, needed] of fileDependencies) {
      const names = [...new Set(needed.map(({ name }) => name))]
      const parts = [fileEncodings.get(file) ?? new Uint8Array(), ...names.map(dependency)]
      fileEncodings.set(file, Buffer.concat(parts))
    }
  return service
}

/** Field 3 of a `FileDescriptorProto`; fields may come in any order, and names are short. */
function dependency(name: string): Buffer {
  const text = Buffer.from(name)
  return Buffer.concat([Buffer.from([(3 << 3) | 2, text.length]), text])
}

/** Definitions in which the entries of a map are called as `protoc` calls them. */
function withEntries(definitions: PackageDefinition): PackageDefinition {
  // All that one file defines shares its files.
  const known = new Map<readonly Buffer[], Buffer[]>()
  const renamed = (files: readonly Buffer[]): Buffer[] => {
    const found = known.get(files) ?? files.map(withEntriesIn)
    known.set(files, found)
    return found
  }
  return Object.fromEntries(
    Object.entries(definitions).map(([name, each]) => [
      name,
      'fileDescriptorProtos' in each && Array.isArray(each.fileDescriptorProtos)
        ? { ...each, fileDescriptorProtos: renamed(each.fileDescriptorProtos) }
        : each,
    ]),
  ) as PackageDefinition
}

function withEntriesIn(bytes: Buffer): Buffer {
  const file = fromBinary(FileDescriptorProtoSchema, bytes)
  for (const message of file.messageType) nameEntries(message)
  return Buffer.from(toBinary(FileDescriptorProtoSchema, file))
}

function nameEntries(message: DescriptorProto): void {
  for (const nested of message.nestedType) {
    nameEntries(nested)
    if (nested.options?.mapEntry !== true) continue
    const field = message.field.find(
      ({ name, typeName }) => typeName === nested.name && isOf(nested.name, name),
    )
    nested.name += 'Entry'
    if (field !== undefined) field.typeName = nested.name
  }
}

/** Whether a map's entries got this name from a field. */
function isOf(entry: string, field: string): boolean {
  return entry.toLowerCase() === field.toLowerCase()
}
