# Address and undefined-behaviour sanitizer, and the checked containers of libstdc++. A finding ends
# the process. The interpreter is not instrumented, so the runtime has to be loaded before it:
# <build directory>/preload.txt names the libraries for LD_PRELOAD.
include(CheckCXXSourceCompiles)

function(cimsim_sanitize target)
  set(flags -fsanitize=address,undefined -fno-sanitize-recover=all)
  set(runtime libasan.so)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    list(APPEND flags -shared-libasan)
    set(runtime "libclang_rt.asan-${CMAKE_SYSTEM_PROCESSOR}.so")
  endif()

  list(JOIN flags " " CMAKE_REQUIRED_FLAGS)
  check_cxx_source_compiles("int main() { return 0; }" CIMSIM_HAS_SANITIZERS)
  set(libraries "")
  # The C++ runtime too: the sanitizer looks up the function that throws when it starts.
  foreach(name IN ITEMS ${runtime} libstdc++.so.6)
    execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-file-name=${name}
                    OUTPUT_VARIABLE path OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT CIMSIM_HAS_SANITIZERS OR NOT IS_ABSOLUTE "${path}")
      message(FATAL_ERROR "CIMSIM_SANITIZE: ${CMAKE_CXX_COMPILER} has no shared runtime of the "
                          "address and undefined-behaviour sanitizers (GCC's is in its package "
                          "libasan, Clang's in compiler-rt)")
    endif()
    string(APPEND libraries "${path} ")
  endforeach()
  file(WRITE "${CMAKE_BINARY_DIR}/preload.txt" "${libraries}")

  target_compile_options(${target} PRIVATE ${flags} -fno-omit-frame-pointer)
  target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)
  target_link_options(${target} PRIVATE ${flags})
endfunction()
