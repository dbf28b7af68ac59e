import type { Answerer } from '../../checkpoints/answer';
import { recipeAsking } from '../../../core/recipeSampling';
import { settings } from '../settings';
import type { CheckpointPlace } from './checkpointPlaces';
import type { CheckpointService } from './checkpointService';

/** A checkpoint as an answer asks it; its template sees the date that its run's prompts were made with. */
export function answererOf(service: CheckpointService, place: CheckpointPlace): Answerer {
  const date = recipeAsking(place.run?.store.manifest.recipe).date ?? new Date().toISOString().slice(0, 10);
  return {
    name: place.name,
    render: (messages) => service.ask(place, { kind: 'render', messages, date }),
    encode: (text, special) => service.ask(place, { kind: 'encode', text, special }),
    spell: (ids) => service.ask(place, { kind: 'bytes', ids }),
    load: async (tokens, signal) => {
      const { provider, endTokens } = await service.load(place, tokens, { signal });
      const threads = settings.checkpointThreads();
      return { provider: `${provider}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`, endTokens };
    },
    write: (request, signal, onTokens) => service.write(place, request, { signal, onTokens }),
  };
}
