"""Names of libraries that tell when code runs."""

from __future__ import annotations

__all__ = [
    "CLEANUP_HOOKS",
    "CLEANUP_METHODS",
    "DEBOUNCERS",
    "EFFECTS",
    "EFFECT_METHODS",
    "ITERATORS",
    "MEMOS",
    "MOUNTS",
    "PASSING",
    "RATES",
    "WRAPPERS",
]

#: React's effects: a callback, then dependencies.
EFFECTS = frozenset(
    {"useEffect", "useLayoutEffect", "useInsertionEffect", "useIsomorphicLayoutEffect", "useUpdateEffect"}
)
#: Run once per mount, or whenever what they read changes: Vue, Svelte, Solid, React Native's navigation.
MOUNTS = frozenset(
    {
        "onMounted",
        "onBeforeMount",
        "onActivated",
        "onMount",
        "watch",
        "watchEffect",
        "$effect",
        "$effect.pre",
        "createEffect",
        "useFocusEffect",
        "useEffectOnce",
        "useMount",
        "useAsyncEffect",
        "useTask$",
        "useVisibleTask$",
        "useSWRSubscription",
    }
)
#: Methods that a framework calls when a component appears.
EFFECT_METHODS = frozenset(
    {
        "componentDidMount",
        "componentDidUpdate",
        "ngOnInit",
        "ngAfterViewInit",
        "connectedCallback",
        "mounted",
        "created",
    }
)
#: Functions whose callback runs when a component goes.
CLEANUP_HOOKS = frozenset(
    {
        "onUnmounted",
        "onBeforeUnmount",
        "onDeactivated",
        "onDestroy",
        "onScopeDispose",
        "onCleanup",
        "tryOnUnmounted",
        "tryOnScopeDispose",
        "onInvalidate",
        "onWatcherCleanup",
        "useUnmount",
    }
)
CLEANUP_METHODS = frozenset(
    {
        "componentWillUnmount",
        "ngOnDestroy",
        "disconnectedCallback",
        "unmounted",
        "beforeUnmount",
        "beforeDestroy",
        "destroyed",
    }
)
#: Their callback runs once for a component, or when what they depend on changes.
MEMOS = frozenset(
    {"useMemo", "useState", "useRef", "useReducer", "computed", "createMemo", "useConstant", "useLazyRef"}
)
#: They give back the function that they are given.
PASSING = frozenset({"useCallback", "useEvent", "useEffectEvent", "useMemoizedFn", "useLatest", "markRaw", "toRaw"})
#: They give back a component made of the one that they are given.
WRAPPERS = frozenset({"memo", "forwardRef", "observer", "withAuth", "defineComponent", "dynamic"})
ITERATORS = frozenset({"map", "forEach", "flatMap", "filter", "reduce", "some", "every", "find", "findIndex"})
DEBOUNCERS = {
    "debounce": "debounce",
    "useDebouncedCallback": "debounce",
    "useDebounceFn": "debounce",
    "useDebounce": "debounce",
    "throttle": "throttle",
    "useThrottledCallback": "throttle",
    "useThrottleFn": "throttle",
    "useThrottle": "throttle",
}
#: What makes a handler run often, by parts of its event's name in lower case.
RATES = {
    "mousemove": "pointer",
    "pointermove": "pointer",
    "touchmove": "pointer",
    "drag": "pointer",
    "scroll": "scroll",
    "wheel": "scroll",
    "resize": "scroll",
    "keydown": "key",
    "keyup": "key",
    "keypress": "key",
    "input": "key",
    "changetext": "key",
    "change": "key",
    "frame": "frame",
    "interval": "interval",
}
