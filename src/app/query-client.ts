/** The query client with the project's defaults: everything is local, so nothing is retried, refetched or gone stale. */
import { QueryClient } from '@tanstack/react-query';

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        networkMode: 'always',
        retry: false,
        staleTime: Infinity,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        retryOnMount: false,
        // Typed arrays are compared by reference; walking them would cost and find nothing.
        structuralSharing: false,
      },
    },
  });
}
