# Compiler flags: warnings, hardening, sanitizers.

include(CheckCCompilerFlag)
include(CheckPIESupported)

add_compile_definitions(_GNU_SOURCE QUERN_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wswitch-enum -Wstrict-prototypes)
if(QUERN_DEVELOPER)
	add_compile_options(-Werror)
endif()

check_pie_supported()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(QUERN_SANITIZE)
	add_compile_options(-fsanitize=${QUERN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
	add_link_options(-fsanitize=${QUERN_SANITIZE})
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
	add_compile_options(-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
	add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
	# Not -fcf-protection=full: tasks switch stacks, and a shadow stack would not follow them.
	foreach(flag -fstack-clash-protection -fcf-protection=branch)
		string(MAKE_C_IDENTIFIER "has${flag}" known)
		check_c_compiler_flag(${flag} ${known})
		if(${known})
			add_compile_options(${flag})
		endif()
	endforeach()
endif()

if(QUERN_COVERAGE)
	add_compile_options(--coverage)
	add_link_options(--coverage)
endif()
