# Included by whisper.cpp's own CMakeLists.txt after its project() line (CMAKE_PROJECT_INCLUDE, set in
# .cargo/config.toml). Patches the copy of its sources that whisper-rs-sys makes in OUT_DIR. README.md says why.

if (NOT PROJECT_NAME STREQUAL "whisper.cpp")
    return()
endif()

# whisper-rs-sys turns this on in dev profiles: a line of log per token.
string(REPLACE "-DWHISPER_DEBUG" "" CMAKE_CXX_FLAGS "${CMAKE_CXX_FLAGS}")

set(whisper_source "${PROJECT_SOURCE_DIR}/src/whisper.cpp")
file(READ "${whisper_source}" whisper_text)
string(FIND "${whisper_text}" "pocketdesk_whisper_polls_abort_in_graph" whisper_patched)
if (NOT whisper_patched EQUAL -1)
    return()
endif()

function(replace_all count old new)
    string(REPLACE "${old}" "" without "${whisper_text}")
    string(LENGTH "${whisper_text}" length_before)
    string(LENGTH "${without}" length_after)
    string(LENGTH "${old}" length_old)
    math(EXPR found "(${length_before} - ${length_after}) / ${length_old}")
    if (NOT found EQUAL count)
        message(FATAL_ERROR
            "vendor/whisper/abort.cmake fits whisper.cpp 1.8.3: wanted ${count} of this, found ${found}: ${old}")
    endif()
    string(REPLACE "${old}" "${new}" whisper_text "${whisper_text}")
    set(whisper_text "${whisper_text}" PARENT_SCOPE)
endfunction()

# The helper that runs a graph learns whom to ask.
replace_all(1
"                       int   n_threads,
                      bool   sched_reset = true) {
"
"                       int   n_threads,
                      bool   sched_reset = true,
       ggml_abort_callback   abort_callback = nullptr,
                      void * abort_callback_data = nullptr) {
")

# It tells every backend, so that ggml asks between the nodes of the graph.
replace_all(1
"            fn_set_n_threads(backend, n_threads);
        }
"
"            fn_set_n_threads(backend, n_threads);
        }

        auto * fn_set_abort = (ggml_backend_set_abort_callback_t) ggml_backend_reg_get_proc_address(reg, \"ggml_backend_set_abort_callback\");
        if (fn_set_abort) {
            fn_set_abort(backend, abort_callback, abort_callback_data);
        }
")

# The encoder's three graphs and the decoder's one hand it on; Silero's stays as it is.
replace_all(4
"ggml_graph_compute_helper(sched, gf, n_threads)"
"ggml_graph_compute_helper(sched, gf, n_threads, true, abort_callback, abort_callback_data)")

# The core asks for this symbol: a program linked without the patch does not link.
string(APPEND whisper_text "
extern \"C\" int pocketdesk_whisper_polls_abort_in_graph(void) { return 1; }
")

file(WRITE "${whisper_source}" "${whisper_text}")
message(STATUS "whisper.cpp polls the abort flag inside its graphs")
