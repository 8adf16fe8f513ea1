export { startReplicaSet } from './replica_set.ts';
export { startStandalone } from './standalone.ts';
export type {
  Member,
  ReplicaSet,
  ReplicaSetOptions,
  Standalone,
  StandaloneOptions,
} from './types.ts';
